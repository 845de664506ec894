import {
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { append, truncateTo } from '../../src/disk/files.js';
import { readJson } from '../../src/disk/json.js';
import { holderOf } from '../../src/disk/lock.js';
import { readBounded } from '../../src/disk/reading.js';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { cutRecord } from '../../src/record/cut.js';
import { readMetrics, readSteps } from '../../src/record/rows.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { readConfig, readResult } from '../../src/record/runs.js';
import { readStatus } from '../../src/record/status.js';
import { CsvTable } from '../../src/record/tables.js';
import { eventsPath } from '../../src/record/tensorboard.js';
import { STEP_COLUMNS } from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { RESULT, trainInto } from './fake-run.js';
import { errorOf, rejectionOf } from './helpers.js';

const EVENTS = 'tensorboard/events.out.tfevents.1.host';

/** A run of 2 epochs of 3 steps, with all files that a run can have. */
function finished(): string {
  const directory = RunDirectory.create(temporaryFolder(), 'name', '0123456789', { config: {} });
  directory.write('environment', {});
  directory.write('corruption', {});
  directory.write('data', { streamed: false });
  directory.write('transition', [[1]]);
  directory.writeResult(RESULT);
  trainInto(directory);
  // Its name tells the time: the same in every run of the tests.
  const [events] = readdirSync(eventsPath(directory.path));
  renameSync(join(eventsPath(directory.path), events!), join(directory.path, EVENTS));
  return directory.path;
}

const filesOf = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();

const contents = (directory: string) =>
  Object.fromEntries(filesOf(directory).map((f) => [f, readFileSync(join(directory, f), 'hex')]));

/** Cuts most of a run away. */
const cut = (directory: string) => cutRecord(directory, { epoch: 1, step: 3, last: { epoch: 1 } });

describe('a file that no run has written', () => {
  const tables = ['metrics.csv', 'metrics.jsonl', 'steps.csv', EVENTS];
  const texts = {
    'a line of prose': 'Dear diary,\nthis is the only copy.\n',
    'a text without a line feed': 'secret',
    'another table': 'epoch,step,amount\n1,3,100\n2,6,200\n',
    'a table with names of its own': 'Name;Amount\nx;1\n',
    'other JSON': '{"name":"x"}\n{"epoch":1}\n',
    'a list': '[1,2,3]\n',
    zeros: '\0'.repeat(5000),
    'bytes that look like a length': `\u0010${'\0'.repeat(7)}and then something of a stranger`,
  };
  const cases = tables.flatMap((file) =>
    Object.entries(texts).map(([what, text]) => ({ file, what, text })),
  );

  it.each(cases)('$what as $file is refused before anything is cut', ({ file, text }) => {
    const directory = finished();
    writeFileSync(join(directory, file), text);
    const before = contents(directory);
    const error = errorOf(() => cut(directory));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toContain(join(directory, file));
    expect(contents(directory)).toEqual(before);
  });

  it.each(['', 'e', 'epoch,st'])('is not the torn header %j', (text) => {
    const directory = finished();
    writeFileSync(join(directory, 'metrics.csv'), text);
    cut(directory);
    expect(readFileSync(join(directory, 'metrics.csv'), 'utf8')).toBe('');
  });

  it.each(['', '{', '{"epoch":1,"st'])('is not the torn row %j', (text) => {
    const directory = finished();
    writeFileSync(join(directory, 'metrics.jsonl'), text);
    cut(directory);
    expect(readFileSync(join(directory, 'metrics.jsonl'), 'utf8')).toBe('');
  });

  it('is not a line of hundreds of megabytes either, and stays', () => {
    const directory = finished();
    const path = join(directory, 'steps.csv');
    writeFileSync(path, Buffer.alloc(200 * 2 ** 20, 'a'));
    expect(errorOf(() => cut(directory)).message).toBe(
      `${path}:1 is damaged: the line is too long.`,
    );
    expect(readFileSync(join(directory, 'metrics.csv'), 'utf8').split('\n')).toHaveLength(4);
  });

  it('is not gone on with as a table of an experiment that starts over', () => {
    const path = join(temporaryFolder(), 'draws.csv');
    for (const text of Object.values(texts)) {
      writeFileSync(path, text);
      expect(errorOf(() => new CsvTable(path, STEP_COLUMNS, { anew: true })).kind).toBe('data');
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });
});

describe('a table begun anew', () => {
  it('has none of the rows that were there', () => {
    const directory = finished();
    new CsvTable(join(directory, 'steps.csv'), STEP_COLUMNS, { anew: true });
    expect(readSteps(directory)).toEqual([]);
  });
});

describe('a file with another name elsewhere', () => {
  it.each(['metrics.csv', 'metrics.jsonl', 'steps.csv', EVENTS])(
    'is neither cut nor appended to: %s',
    (file) => {
      const directory = finished();
      linkSync(join(directory, file), join(temporaryFolder(), 'precious'));
      const before = contents(directory);
      for (const change of [
        () => cut(directory),
        () => append(join(directory, file), 'more\n'),
        () => truncateTo(join(directory, file), 0),
      ]) {
        const error = errorOf(change);
        expect([error.kind, error.exitCode]).toEqual(['data', 3]);
        expect(error.message).toContain(`${join(directory, file)} has another name elsewhere`);
        expect(contents(directory)).toEqual(before);
      }
    },
  );

  it('is replaced, and not written through, where a run replaces it', async () => {
    const directory = finished();
    const precious = join(temporaryFolder(), 'precious');
    rmSync(join(directory, 'status.json'));
    writeFileSync(precious, 'mine');
    linkSync(precious, join(directory, 'status.json'));
    (await RunDirectory.open(directory)).close('finished');
    expect(readStatus(directory).state).toBe('finished');
    expect(readFileSync(precious, 'utf8')).toBe('mine');
  });
});

describe('a symbolic link', () => {
  const all = filesOf(finished());

  /** Moves a file or folder away and puts a link in its place. */
  function linked(directory: string, name: string): string {
    const elsewhere = join(temporaryFolder(), 'elsewhere');
    renameSync(join(directory, name), elsewhere);
    symlinkSync(elsewhere, join(directory, name));
    return elsewhere;
  }

  it.each([...all, 'checkpoints', 'tensorboard'])('in the place of %s is refused', async (name) => {
    const directory = finished();
    const elsewhere = linked(directory, name);
    const before = contents(dirname(elsewhere));
    const error = await rejectionOf(RunDirectory.open(directory));
    expect([error.kind, error.exitCode]).toEqual(['data', 3]);
    expect(error.message).toContain(`${join(directory, name)} is a symbolic link`);
    expect(contents(dirname(elsewhere))).toEqual(before);
    expect(holderOf(directory)).toBeNull();
  });

  it.each(all.filter((name) => name !== 'config.json'))(
    'that leads nowhere is none less: %s',
    async (name) => {
      const directory = finished();
      rmSync(linked(directory, name));
      const error = await rejectionOf(RunDirectory.open(directory));
      expect(error.message).toContain('is a symbolic link');
    },
  );

  it('in the place of the lock is refused by whoever looks at it', async () => {
    const directory = finished();
    const elsewhere = temporaryFolder();
    symlinkSync(elsewhere, join(directory, 'lock'));
    const refused = { kind: 'data', exitCode: 3 };
    expect(errorOf(() => holderOf(directory))).toMatchObject(refused);
    expect(await rejectionOf(RunDirectory.open(directory))).toMatchObject(refused);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('is not read through, whatever reads', async () => {
    const directory = finished();
    const readers: [string, () => unknown][] = [
      ['status.json', () => readStatus(directory)],
      ['result.json', () => readResult(directory)],
      ['metrics.jsonl', () => readMetrics(directory)],
      ['steps.csv', () => readSteps(directory)],
      [
        'checkpoints/last.safetensors',
        () => loadCheckpoint(join(directory, 'checkpoints/last.safetensors')),
      ],
    ];
    for (const [name, reader] of readers) {
      linked(directory, name);
      expect(errorOf(reader)).toMatchObject({ kind: 'data', exitCode: 3 });
    }
    linked(directory, 'config.json');
    await expect(readConfig(directory)).rejects.toMatchObject({ kind: 'data', exitCode: 3 });
  });

  it('may lead to a run directory, and to data of the person’s own', async () => {
    const directory = finished();
    const link = join(temporaryFolder(), 'latest');
    symlinkSync(directory, link);
    (await RunDirectory.open(link)).close('finished');
    expect(readMetrics(link)).toHaveLength(2);
    const file = join(temporaryFolder(), 'labels');
    symlinkSync(join(directory, 'status.json'), file);
    expect(readBounded(file, 1000, 'input').length).toBeGreaterThan(10);
    expect(errorOf(() => readJson(file, undefined as never)).kind).toBe('data');
  });
});
