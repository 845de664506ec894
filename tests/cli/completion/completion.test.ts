import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CompletedCommand,
  completedCommands,
  overrideWords,
  SHELLS,
  type Shell,
  UNKNOWN,
} from '../../../src/cli/completion/words.js';
import type { CliContext } from '../../../src/cli/context.js';
import { createProgram } from '../../../src/cli/index.js';
import { loadExperiment } from '../../../src/config/experiment.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { Captured, cli } from '../helpers.js';

/** Prints what is offered for the line in $LINE, one a line, in a folder with a file and a folder. */
const ASK: Record<Shell, string> = {
  bash: `source ./script
    COMP_LINE="$LINE"; COMP_POINT=\${#LINE}; _rethink_gen; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() { : }
    source ./script
    compadd() {
      local word given=
      for word in "$@"; do
        if [[ -n "$given" && "$word" == "\${words[CURRENT]}"* ]]; then print -r -- "$word"; fi
        if [[ "$word" == -- ]]; then given=1; fi
      done
    }
    _files() { [[ "$1" == -/ ]] && print -l *(N/) || print -l *(N) }
    words=("\${(@s: :)LINE}"); CURRENT=\${#words}; _rethink_gen`,
  fish: `source ./script; complete -C "$LINE" | string split -f1 \\t`,
};

let folder: string;
beforeAll(async () => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'mine.yaml'), '');
  mkdirSync(join(folder, 'results'));
  for (const shell of SHELLS) {
    const { code, stdout } = await cli(['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(join(folder, `script.${shell}`), stdout);
  }
});

function offered(shell: Shell, line: string): string[] {
  const script = ASK[shell].replaceAll('./script', `./script.${shell}`);
  const flags = shell === 'bash' ? ['--norc'] : shell === 'zsh' ? ['-f'] : ['--no-config'];
  const { stdout, stderr, status } = spawnSync(shell, [...flags, '-c', script], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, LINE: line, TERM: 'dumb' },
    encoding: 'utf8',
  });
  expect(stderr, line).toBe('');
  expect(status === 0 || status === 1, line).toBe(true);
  return stdout.split('\n').filter((word) => word.trim() !== '');
}

const here = (shell: Shell) => spawnSync(shell, ['--version']).status === 0;

describe.each(SHELLS)('%s completes', (shell) => {
  const test = it.runIf(here(shell));

  test('commands, and those below them', () => {
    expect(offered(shell, 'rethink-gen ')).toEqual(
      expect.arrayContaining(['run', 'resume', 'data', 'completion']),
    );
    expect(offered(shell, 'rethink-gen re')).toEqual(expect.arrayContaining(['report', 'resume']));
    expect(offered(shell, 'rethink-gen re')).not.toContain('run');
    expect(offered(shell, 'rethink-gen data ').sort()).toEqual([
      'fetch',
      'import',
      'labels',
      'list',
      'pack',
      'show',
      'verify',
    ]);
  });

  test('options of the command, and values of options', () => {
    expect(offered(shell, 'rethink-gen run quickstart --en')).toEqual(['--engine']);
    expect(offered(shell, 'rethink-gen doctor --d')).toEqual(['--data-dir']);
    expect(offered(shell, 'rethink-gen run --engine ').sort()).toEqual(
      ['auto', 'tensorflow', 'wasm', 'xla'].sort(),
    );
    expect(offered(shell, 'rethink-gen evaluate latest --checkpoint b')).toEqual(['best']);
    expect(offered(shell, 'rethink-gen bench --model incep')).toEqual(
      expect.arrayContaining(['inception', 'inception-v3']),
    );
  });

  test('configs that come with it, and files', () => {
    expect(offered(shell, 'rethink-gen run quick')).toContain('quickstart');
    expect(offered(shell, 'rethink-gen run paper/table1')).toContain('paper/table1');
    expect(offered(shell, 'rethink-gen run ')).toEqual(
      expect.arrayContaining(['quickstart', 'mine.yaml']),
    );
    // After an option with its value as well.
    expect(offered(shell, 'rethink-gen run --out results quick')).toContain('quickstart');
  });

  test('runs: the latest, and folders', () => {
    const words = offered(shell, 'rethink-gen resume ').map((word) => word.replace(/\/$/, ''));
    expect(words).toEqual(expect.arrayContaining(['latest', 'results']));
    expect(words).not.toContain('mine.yaml');
  });

  test('keys of a config with their names', () => {
    // Of a word with =, bash is given what follows it.
    const value = (word: string) => word.replace('model.name=', '');
    expect(offered(shell, 'rethink-gen run my.yaml model.name=inc').map(value)).toEqual(
      expect.arrayContaining(['inception', 'inception-v3']),
    );
    const keys = offered(shell, 'rethink-gen run my.yaml data.limit=3 train.ep');
    expect(keys).toEqual(['train.epochs=']);
    expect(offered(shell, 'rethink-gen engine install ')).toContain('tensorflow');
    expect(offered(shell, 'rethink-gen data fetch cifar').sort()).toEqual(['cifar10', 'cifar100']);
  });
});

describe('completions', () => {
  const context = { stdout: new Captured(), stderr: new Captured(), env: {} };
  const program = createProgram(context as unknown as CliContext, () => {});

  it('know every argument and every option that takes a value', () => {
    const commands = completedCommands(program);
    expect(commands.length).toBeGreaterThan(15);
    const unknown = commands.flatMap(({ name, options, arguments: places }) => [
      ...places.flatMap((place, i) => (place === UNKNOWN ? [`${name} @${i}`] : [])),
      ...options.flatMap(({ flag, value }) => (value === UNKNOWN ? [`${name} ${flag}`] : [])),
    ]);
    expect(unknown).toEqual([]);
  });

  it('are of files where a place is not known', () => {
    const novel = new Command('rethink-gen');
    novel.command('novel').argument('<thing>').option('--odd <kind>').option('--even [kind]');
    const [, { arguments: places, options }] = completedCommands(novel) as [
      unknown,
      CompletedCommand,
    ];
    expect(places).toEqual([UNKNOWN]);
    expect(options.map(({ value }) => value)).toEqual([UNKNOWN, UNKNOWN, null]);
    expect(UNKNOWN.paths).toBe('files');
  });

  it('know an option with a value from one without, whatever the command', () => {
    const kinds = new Map<string, boolean>();
    for (const { flag, value } of completedCommands(program).flatMap(({ options }) => options)) {
      expect(kinds.get(flag) ?? value !== null, flag).toBe(value !== null);
      kinds.set(flag, value !== null);
    }
  });

  it('offer overrides that a config takes', async () => {
    const words = overrideWords();
    expect(words).toEqual(expect.arrayContaining(['model.name=mlp', 'data.subset.perClass=']));
    expect(words).not.toContain('data=');
    const enumerated = words.filter((word) => /^(model\.name|data\.name)=./.test(word));
    for (const word of enumerated) {
      const dir = /imagetree|imagenet/.test(word) ? ['data.dir=x'] : [];
      await loadExperiment({}, { overrides: [word, ...dir] });
    }
    await expect(loadExperiment({}, { overrides: ['model.name=mpl'] })).rejects.toThrow();
  });

  it('are for shells that there are', async () => {
    const { code, stderr } = await cli(['completion', 'tcsh']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('Allowed choices are bash, zsh, fish'),
    ]);
  });
});
