import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { cutRecord } from '../../src/record/cut.js';
import { readSteps } from '../../src/record/rows.js';
import { RunDirectory, readOrigin } from '../../src/record/run-directory.js';
import { readRuns } from '../../src/report/runs.js';
import { locateRun } from '../../src/sweep/locate.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { RESULT, trainInto } from './fake-run.js';

function sparse(path: string, size: number): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, size);
  closeSync(fd);
}

/** What a stranger or a broken disk can put in the place of a file. */
const KINDS: Record<string, (path: string) => void> = {
  'nothing in it': (path) => writeFileSync(path, ''),
  'half of JSON': (path) => writeFileSync(path, '{"state":"running","ep'),
  'JSON that is deep and whole': (path) =>
    writeFileSync(path, `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`),
  'eleven thousand keys': (path) =>
    writeFileSync(
      path,
      JSON.stringify(
        Object.fromEntries(
          Array(11_000)
            .fill(0)
            .map((_, i) => [`k${i}`, i]),
        ),
      ),
    ),
  bytes: (path) =>
    writeFileSync(path, Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919) & 255))),
  'a line of megabytes': (path) => writeFileSync(path, '1,'.repeat(2 ** 21)),
  'a gigabyte': (path) => sparse(path, 2 ** 30),
  'a folder': (path) => mkdirSync(path),
  'a pipe': (path) => execFileSync('mkfifo', [path]),
};

const FILES = [
  'config.json',
  'status.json',
  'result.json',
  'origin.json',
  'environment.json',
  'metrics.csv',
  'metrics.jsonl',
  'steps.csv',
  'checkpoints',
  'checkpoints/last.safetensors',
  'tensorboard',
  'lock',
];

function run(): string {
  const directory = RunDirectory.create(temporaryFolder(), 'name', '0123456789', {
    config: { name: 'name' },
  });
  directory.write('environment', {});
  directory.writeResult(RESULT);
  trainInto(directory);
  directory.close('finished');
  return directory.path;
}

/** Whatever opens a run directory; the last two write in it. */
const READERS: Record<string, (directory: string) => unknown> = {
  'the newest run': (directory) => locateRun(dirname(directory), 'run'),
  report: (directory) => readRuns([directory]),
  steps: readSteps,
  checkpoint: (directory) => loadCheckpoint(join(directory, 'checkpoints', 'last.safetensors')),
  'cut for resume': (directory) => cutRecord(directory, { epoch: 1, step: 3, last: { epoch: 1 } }),
  resume: async (directory) => {
    const open = await RunDirectory.open(directory);
    const origin = open.readOrigin();
    if (origin !== null) open.writeOrigin(origin);
    open.readEngine();
    open.close('finished');
  },
};

describe('an origin with a config as deep as it is long', () => {
  it('is refused before it is written again', () => {
    const directory = run();
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const path = join(directory, 'origin.json');
    writeFileSync(path, `{"folder":"/","moved":{},"config":${deep}}`);
    expect(() => readOrigin(directory)).toThrow(`${path} is damaged: it is nested too deeply.`);
  });
});

const whole = run();

describe.each(Object.keys(KINDS))('a run directory with %s', (kind) => {
  it.each(FILES)('in the place of %s is read, or refused in a sentence', async (file) => {
    const directory = join(temporaryFolder(), basename(whole));
    cpSync(whole, directory, { recursive: true });
    rmSync(join(directory, file), { recursive: true, force: true });
    KINDS[kind]!(join(directory, file));
    for (const [reader, read] of Object.entries(READERS)) {
      try {
        await read(directory);
      } catch (error) {
        if (!(error instanceof RethinkError)) throw new Error(reader, { cause: error });
        expect(error.message.length + (error.hint ?? '').length).toBeLessThan(5000);
      }
    }
  });
});
