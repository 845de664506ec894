import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/index.js';
import { openOutput } from '../../src/cli/output.js';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { readStatus } from '../../src/record/status.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';
import { Captured } from './helpers.js';

const BIN = resolve('bin/rethink-gen.js');
const FULL = '/dev/full';
const full = existsSync(FULL);
const LOST =
  /^error: Could not write the results to stdout: no space left on the device\.\nhint: .*\n$/m;

let folder: string;
beforeAll(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder, 'tiny.json'), JSON.stringify(TINY));
  const sweep = { ...TINY, name: 'both', sweep: { seeds: 2 } };
  writeFileSync(join(folder, 'both.json'), JSON.stringify(sweep));
  // Compiles what has changed.
  spawnSync(process.execPath, [BIN, '--version']);
});

/** Runs a line of bash, in which $RG is the command line. */
function shell(line: string) {
  return spawnSync('bash', ['-o', 'pipefail', '-c', line], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      RG: `${process.execPath} ${BIN}`,
      RETHINK_GEN_NO_INSTALL: '1',
      RETHINK_GEN_ENGINE: 'wasm',
    },
  });
}

/** The run directories below a name. */
const runsOf = (out: string, name = 'tiny') =>
  readdirSync(join(folder, out, name))
    .filter((entry) => /^\d{8}T/.test(entry))
    .map((entry) => join(folder, out, name, entry));

describe.skipIf(!full)('stdout on a full disk', () => {
  it.each([
    '--help',
    '--version',
    'run --help',
    'init',
    'validate tiny.json',
    'validate tiny.json --json',
    'run tiny.json --dry-run',
    'run both.json --dry-run --json',
    'data list',
    'data list --json',
    'engine list',
    'doctor',
  ])('%s exits with 1 and a sentence', (command) => {
    const { status, stderr } = shell(`$RG ${command} >${FULL}`);
    expect([status, stderr]).toEqual([1, expect.stringMatching(LOST)]);
  });

  it('loses the table of a run, which is finished, and does not exit with 0', () => {
    const { status, stderr } = shell(`$RG run tiny.json --quiet --out table >${FULL}`);
    expect([status, stderr]).toEqual([1, expect.stringMatching(LOST)]);
    expect(readStatus(runsOf('table')[0]!).state).toBe('finished');
  });

  it.each([
    ['a run', 'tiny', ''],
    ['a sweep', 'both', ''],
    ['a sweep of processes', 'both', '--jobs 2'],
  ])('ends %s that tells of itself with --json after a checkpoint', (_what, name, options) => {
    const out = `json-${name}${options.replace(/\W/g, '')}`;
    const { status, stderr } = shell(
      `$RG run ${name}.json --json ${options} --out ${out} train.epochs=5000 >${FULL}`,
    );
    expect([status, stderr]).toEqual([1, expect.stringMatching(LOST)]);
    const begun = runsOf(out, name);
    expect(begun.length).toBeGreaterThan(0);
    for (const runDir of begun) {
      expect(readStatus(runDir).state).toBe('interrupted');
      expect(() => loadCheckpoint(join(runDir, 'checkpoints/last.safetensors'))).not.toThrow();
    }
  });
});

describe.skipIf(!full)('stderr on a full disk', () => {
  it('loses messages, and nothing else', () => {
    const { status, stdout } = shell(`$RG run tiny.json --out deaf 2>${FULL}`);
    expect([status, stdout]).toEqual([0, expect.stringContaining('deaf/tiny/')]);
    expect(readStatus(runsOf('deaf')[0]!).state).toBe('finished');
  });

  it('loses those of --json, of a sweep of processes and of an error', () => {
    const json = shell(`$RG run both.json --json --jobs 2 --out deaf-json 2>${FULL}`);
    expect([json.status, json.stdout]).toEqual([0, expect.stringContaining('"summary"')]);
    expect(shell(`$RG validate none.json 2>${FULL}`).status).toBe(2);
    expect(shell(`$RG run tiny.json --json --out both-full >${FULL} 2>&1`).status).toBe(1);
  });

  it('is tried again with the next message', () => {
    const stream = Object.assign(new Captured(), { fd: openSync(FULL, 'w') });
    const output = openOutput(stream as never);
    const codes: unknown[] = [];
    output.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code));
    output.write('a\n');
    output.write('b\n');
    expect(codes).toEqual(['ENOSPC', 'ENOSPC']);
  });
});

/** A disk of one page, which the process alone sees that is given it. */
const mounted =
  spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;
const PAGE = 4096;

describe.skipIf(!mounted)('a disk that fills up meanwhile', () => {
  /** Runs a line of bash with such a disk as `disk`; its file `disk/log` is left as `log`. */
  function onSmallDisk(line: string, name: string) {
    mkdirSync(join(folder, name));
    const script = `mount -t tmpfs -o size=${PAGE} tmpfs disk && { ${line}; code=$?; cp disk/log log; exit $code; }`;
    const inside = `cd ${name} && mkdir disk && cp ../*.json . && exec unshare -rm bash -c '${script}'`;
    const result = shell(inside);
    const log = readFileSync(join(folder, name, 'log'));
    return { ...result, bytes: log.length, log: log.toString() };
  }

  it('behind stderr loses messages from then on, and the run is finished', () => {
    const { status, stdout, bytes, log } = onSmallDisk(
      '$RG run tiny.json train.epochs=60 --out out 2>disk/log',
      'small-stderr',
    );
    expect([status, stdout]).toEqual([0, expect.stringContaining('out/tiny/')]);
    expect(bytes).toBe(PAGE);
    expect(log).toContain('\nepoch 3/60 ');
    const [runDir] = runsOf('small-stderr/out');
    expect(readStatus(runDir!)).toMatchObject({ state: 'finished', epoch: 60 });
  });

  it('behind stdout ends a run with --json after a checkpoint, and can be gone on with', () => {
    const { status, stderr, bytes, log } = onSmallDisk(
      '$RG run tiny.json --json train.epochs=60 --out out >disk/log',
      'small-stdout',
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(LOST);
    expect(bytes).toBe(PAGE);
    const whole = log.split('\n').slice(0, -1);
    const told = whole.map((line) => JSON.parse(line) as { event: string; epoch?: number });
    expect(told.map(({ event }) => event).slice(0, 2)).toEqual(['started', 'epoch']);
    const [runDir] = runsOf('small-stdout/out');
    const { state, epoch } = readStatus(runDir!);
    expect(state).toBe('interrupted');
    expect(epoch).toBeGreaterThanOrEqual(told.at(-1)!.epoch!);
    expect(epoch).toBeLessThan(60);
    const again = shell(`$RG resume ${runDir} --quiet`);
    expect([again.status, readStatus(runDir!).state]).toEqual([0, 'finished']);
  });
});

describe('output', () => {
  it.each([
    ['>&-', 0],
    ['2>&-', 0],
    ['>&- 2>&-', 0],
  ])('to a closed descriptor is dropped: %s', (closed, code) => {
    expect(shell(`$RG validate tiny.json ${closed}`).status).toBe(code);
  });

  it('goes to a file whole, behind what is there', () => {
    mkdirSync(join(folder, 'log'), { recursive: true });
    const { status } = shell('echo before >log/all; $RG validate tiny.json >>log/all 2>&1');
    const text = readFileSync(join(folder, 'log/all'), 'utf8');
    expect([status, text]).toEqual([0, 'before\ntiny.json is valid: one run.\n']);
  });

  it.each([
    ['EPIPE', 141, ''],
    ['EIO', 1, 'error: Could not write the results to stdout: the device reported'],
    ['EBADF', 1, 'error: Could not write the results to stdout: '],
  ])('that ends with %s gives exit code %d', async (code, expected, said) => {
    const stdout = new Captured();
    stdout._write = (_chunk, _encoding, done: (error?: Error) => void) =>
      done(Object.assign(new Error(`write ${code}`), { code }));
    const stderr = new Captured();
    expect(await main(['init'], { stdout, stderr, env: {} })).toBe(expected);
    expect(stderr.text.slice(0, said.length)).toBe(said);
    if (said === '') expect(stderr.text).toBe('');
  });

  it('of a command that fails keeps its exit code', async () => {
    const stdout = new Captured();
    stdout._write = (_chunk, _encoding, done: (error?: Error) => void) =>
      done(Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }));
    expect(
      await main(['validate', join(folder, 'none.yaml')], { stdout, stderr: new Captured() }),
    ).toBe(2);
  });
});
