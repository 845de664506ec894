import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { widthOf } from '../../src/text.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type CliOptions, cli, fakeRunner, onScreen } from './helpers.js';

const folder = temporaryFolder();
const WRONG = join(folder, 'wrong.yaml');
writeFileSync(WRONG, 'data: { limt: 3 }\nmodel: { name: mlpx }\ntrain: { stop: sometimes }\n');
const SWEEP = join(folder, 'sweep.yaml');
writeFileSync(SWEEP, 'name: s\nsweep: { corruption.kind: [none, random-labels], seeds: 2 }\n');

/** What needs no network and no engine. */
const COMMANDS: [name: string, argv: string[]][] = [
  ['a run', ['run', 'quickstart', 'sweep.seeds=2', '--out', join(folder, 'out')]],
  ['a dry run', ['run', SWEEP, '--dry-run']],
  ['mistakes in a config', ['validate', WRONG]],
  ['a config', ['validate', SWEEP]],
  ['shipped configs', ['init', '--list']],
  ['a template', ['init']],
  ['an unknown command', ['rnu']],
  ['a run that is not there', ['resume', 'results/a-name-that-nothing-has']],
  ['data sets', ['data', 'list', '--data-dir', folder]],
];

const run = (argv: string[], options: CliOptions) =>
  cli(argv, { tty: true, runner: fakeRunner(), ...options });

/** Lines as they stand on the terminal before it breaks one, without those that have a word as long as they. */
function brokenLines({ stdout, stderr }: { stdout: string; stderr: string }, columns: number) {
  return [stdout, stderr]
    .flatMap((text) => onScreen(text.replaceAll(/\p{Cc}\[\d+m/gu, ''), 1000))
    .filter((line) => widthOf(line) > columns && !line.split(' ').some((w) => widthOf(w) > 30));
}

describe('on a terminal', () => {
  it.each(COMMANDS)('no line is too wide: %s', async (_, argv) => {
    const terminals: [columns: number, env: Record<string, string>][] = [
      [110, { TERM: 'xterm' }],
      [80, { TERM: 'xterm' }],
      [80, { NO_COLOR: '1' }],
      [60, { TERM: 'dumb' }],
      [40, { TERM: 'xterm' }],
    ];
    for (const [columns, env] of terminals) {
      // A template is a file of 80 columns.
      const width = argv[0] === 'init' && argv.length === 1 ? Math.max(80, columns) : columns;
      expect(brokenLines(await run(argv, { columns, env }), width)).toEqual([]);
    }
  });

  it.each(COMMANDS)('nothing but text comes where colors are declined: %s', async (_, argv) => {
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      const { stdout, stderr } = await run(argv, { columns: 80, env });
      expect(stdout + stderr).not.toContain('\u001b');
    }
  });

  it.each(COMMANDS)(
    'nothing but ASCII comes where the locale has nothing else: %s',
    async (_, argv) => {
      for (const env of [{ LANG: 'C' }, { LC_ALL: 'POSIX', LANG: 'de_DE.UTF-8' }]) {
        const { stdout, stderr } = await run(argv, { columns: 80, env });
        expect(`${stdout}${stderr}`.replaceAll('\u001b', '')).toMatch(/^[\n\r -~]*$/);
      }
      const { stdout } = await run(['init', '--list'], { columns: 80, env: { LANG: 'C.UTF-8' } });
      expect(stdout).toContain('128×128');
    },
  );

  it('colors can be read on black and on white', async () => {
    const shown = await Promise.all(
      COMMANDS.map(([, argv]) => run(argv, { columns: 80, env: { TERM: 'xterm' } })),
    );
    const codes = shown.flatMap(({ stdout, stderr }) =>
      [...(stdout + stderr).matchAll(/\p{Cc}\[([\d;]+)m/gu)].map(([, code]) => code),
    );
    // Red for errors; yellow, white and whatever is bright can't.
    expect([...new Set(codes)].sort()).toEqual(['0', '31']);
  });

  it('long lines of a dry run are folded as YAML may be', async () => {
    const inspector = {
      parameters: async () => 1,
      missing: async () => [
        'A sentence that says what is missing and how it can be had. '.repeat(3),
      ],
      flops: async () => 1,
    };
    const { stdout } = await run(['run', SWEEP, '--dry-run'], { columns: 60, inspector });
    const { parse } = await import('yaml');
    expect(parse(stdout)).toMatchObject({ missing: await inspector.missing() });
    expect(brokenLines({ stdout, stderr: '' }, 60)).toEqual([]);
    const piped = await cli(['run', SWEEP, '--dry-run'], { inspector });
    expect(piped.stdout).toContain((await inspector.missing())[0]!.trim());
  });
});

describe('off a terminal', () => {
  it('nothing is broken, colored or turned into ASCII', async () => {
    for (const [, argv] of COMMANDS) {
      const { stdout, stderr } = await cli(argv, { env: { LANG: 'C', FORCE_COLOR: '1' } });
      expect(stdout + stderr).not.toContain('\u001b');
    }
    const { stdout } = await cli(['init', '--list'], { env: { LANG: 'C' } });
    expect(stdout).toMatch(/Table 2 and Figure 2a .* at 128×128$/m);
    await expect(loadExperiment(WRONG)).rejects.toThrow();
  });
});
