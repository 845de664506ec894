import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SINK_KINDS, TRACKER_NAMES } from '../../../src/config/sinks.js';
import { TrackerError } from '../../../src/record/sinks/ask.js';
import { exportRuns } from '../../../src/record/sinks/index.js';
import { TrackerSession } from '../../../src/record/sinks/session.js';
import type { EpochRow } from '../../../src/results/training.js';
import { serve, untrustedIdentity } from '../../helpers/server.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { epochRow } from '../fake-run.js';
import { rejectionOf } from '../helpers.js';
import { type FakeTracker, type Fault, fakeTracker, type Kept } from './fake-trackers.js';
import { endRun, finishedRun, redo, rowsOf, runningRun } from './made-runs.js';

/** Schedules of faults; `npm run test:fuzz` tries more. */
const SCHEDULES = Math.ceil(Number(process.env.RETHINK_GEN_TEST_INPUTS ?? 300) / 100);

beforeEach(() => {
  for (const { secrets } of Object.values(SINK_KINDS)) {
    for (const name of secrets) vi.stubEnv(name, '');
  }
  for (const { server } of Object.values(SINK_KINDS)) {
    if (server !== null) vi.stubEnv(server, '');
  }
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy']) {
    vi.stubEnv(name, '');
    vi.stubEnv(name.toUpperCase(), '');
  }
  return () => vi.unstubAllEnvs();
});

/** What a tracker should hold of rows: every number but the step, each once. */
function numbersOf(rows: EpochRow[]): string[] {
  return rows
    .flatMap(({ step, ...row }) =>
      Object.entries(row).flatMap(([name, value]) =>
        value === null ? [] : [`${step} ${name} ${value}`],
      ),
    )
    .sort();
}

const ofRows = (kept: Kept[]) => kept.filter(({ name }) => !name.startsWith('result.'));
const shown = (kept: Kept[]) => kept.map(({ step, name, value }) => `${step} ${name} ${value}`);
const rowsAt = ({ kept }: FakeTracker) => shown(ofRows(kept)).sort();
const resultAt = ({ kept }: FakeTracker) =>
  shown(kept.filter(({ name }) => name.startsWith('result.')));

/** Sends a run as the command does, once; what was told. */
async function send(
  run: string,
  kind: (typeof TRACKER_NAMES)[number],
  { origin }: { origin: string },
): Promise<string[]> {
  const notes: string[] = [];
  const session = new TrackerSession(
    run,
    { kind, url: origin },
    { note: (sentence) => notes.push(sentence) },
  );
  try {
    await session.finish();
  } finally {
    session.close();
  }
  return notes;
}

describe.each(TRACKER_NAMES)('%s', (kind) => {
  it('is sent every row and the result, and nothing twice', async () => {
    const rows = rowsOf(1, 101);
    const run = finishedRun(temporaryFolder(), rows);
    const tracker = await fakeTracker(kind);
    expect(await send(run, kind, tracker)).toEqual([]);
    expect(rowsAt(tracker)).toEqual(numbersOf(rows));
    expect(resultAt(tracker)).toContain('303 result.label_noise 0.9');
    expect(resultAt(tracker)).toContain('303 result.reached.accuracy_1.epoch 1');
    const there = tracker.kept.length;
    expect(await send(run, kind, tracker)).toEqual([]);
    // Not even where it is forgotten here.
    rmSync(join(run, 'sinks'), { recursive: true });
    expect(await send(run, kind, tracker)).toEqual([]);
    expect(tracker.kept).toHaveLength(there);
  });

  it('is told what the numbers hold for', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 1), {
      model: { name: 'mlp', hidden: [64, 32] },
      corruption: { kind: 'partial-labels', fraction: 0.25 },
      data: {
        name: 'imagetree',
        subset: { synsets: Array.from({ length: 500 }, (_, i) => `n${i}`) },
      },
    });
    const tracker = await fakeTracker(kind);
    await send(run, kind, tracker);
    const as = (value: unknown) => (kind === 'mlflow' ? JSON.stringify(value) : value);
    expect(tracker.params).toMatchObject({
      'model.hidden': as([64, 32]),
      'corruption.0.fraction': as(0.25),
      'rethink_gen.group': 'made',
      'rethink_gen.outcome': 'fitted',
      'rethink_gen.data.hash': 'h',
    });
  });

  it('keeps numbers that are none', async () => {
    const rows = [
      { ...epochRow(1), train_loss: Number.NaN, test_loss: Number.POSITIVE_INFINITY },
      { ...epochRow(2), train_loss: Number.NEGATIVE_INFINITY },
    ];
    const run = finishedRun(temporaryFolder(), rows);
    const tracker = await fakeTracker(kind);
    await send(run, kind, tracker);
    expect(rowsAt(tracker)).toEqual(numbersOf(rows));
    const there = tracker.kept.length;
    expect(await send(run, kind, tracker)).toEqual([]);
    expect(tracker.kept).toHaveLength(there);
  });

  it('has every row once, whatever goes wrong in between', async () => {
    const fault = fc.option(
      fc.constantFrom<Fault>('cut before', 'cut after', 'half', 'page', 429, 500, 502, 503, 408),
      { freq: 2 },
    );
    const parts = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 30 }), fc.array(fault, { maxLength: 12 })),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    await fc.assert(
      fc.asyncProperty(parts, async (sessions) => {
        const tracker = await fakeTracker(kind);
        const run = runningRun(temporaryFolder(), [epochRow(1)]);
        let last = 1;
        for (const [more, faults] of sessions) {
          const recorder = run.recorder({ ...RECORDED });
          for (const row of rowsOf(last + 1, last + more)) recorder.epoch(row);
          last += more;
          tracker.faults = [...faults];
          // Each session is a process that may be killed after a failure, or try again.
          while (!(await isSent(run.path, kind, tracker)));
        }
        endRun(run, rowsOf(1, last));
        while (!(await isSent(run.path, kind, tracker)));
        expect(rowsAt(tracker)).toEqual(numbersOf(rowsOf(1, last)));
        const result = resultAt(tracker);
        expect(new Set(result).size).toBe(result.length);
        expect(result).not.toEqual([]);
      }),
      { numRuns: SCHEDULES },
    );
  });

  it('has rows once that a resumed run did again, and says where they came out otherwise', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 6));
    const tracker = await fakeTracker(kind);
    await send(run, kind, tracker);
    const later = rowsOf(4, 8).map((row) => ({ ...row, seconds: row.seconds + 100 }));
    await redo(run, 3, later);
    expect(await send(run, kind, tracker)).toEqual([]);
    const steps = new Set(ofRows(tracker.kept).map(({ step, name }) => `${step} ${name}`));
    expect(steps.size).toBe(ofRows(tracker.kept).length);
    expect(steps).toContain('24 train_loss');
    await redo(
      run,
      3,
      later.map((row) => ({ ...row, train_loss: row.train_loss + 1 })),
    );
    const { length } = ofRows(tracker.kept);
    const notes = await send(run, kind, tracker);
    expect(notes).toEqual([
      expect.stringMatching(/ has 5 rows with other numbers than .*: train_loss at step 12 is /),
    ]);
    expect(ofRows(tracker.kept)).toHaveLength(length);
  });

  it('says that it has rows past the end of a run', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 6));
    const tracker = await fakeTracker(kind);
    await send(run, kind, tracker);
    await redo(run, 3, rowsOf(4, 4));
    expect(await send(run, kind, tracker)).toEqual([
      expect.stringMatching(/ has rows past step 12, where .* ends\.$/),
    ]);
  });

  it.each([301, 400, 401, 403, 404, 413] as const)(
    'that answers %i is asked once',
    async (status) => {
      const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
      const tracker = await fakeTracker(kind, [status]);
      const error = (await rejectionOf(send(run, kind, tracker))) as TrackerError;
      expect(error).toBeInstanceOf(TrackerError);
      expect(error.message).toMatch(
        new RegExp(`^${SINK_KINDS[kind].label} at ${tracker.origin}/ answered ${status}`),
      );
      expect(error.mayPass).toBe(false);
      expect(tracker.asked).toHaveLength(1);
      if ([401, 403].includes(status)) expect(error.hint).toContain(SINK_KINDS[kind].secrets[0]);
      if (status === 301) expect(error.hint).toContain('http://elsewhere.example/');
    },
  );

  it('is sent by one process at a time', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker(kind);
    const first = new TrackerSession(run, { kind, url: tracker.origin }, {});
    await first.sync();
    const error = await rejectionOf(send(run, kind, tracker));
    expect(error.kind).toBe('busy');
    expect(error.message).toContain(`sends ${run} to ${SINK_KINDS[kind].label} right now`);
    first.close();
    expect(await send(run, kind, tracker)).toEqual([]);
    expect(rowsAt(tracker)).toEqual(numbersOf(rowsOf(1, 2)));
  });

  it('is shown what the URL and the environment hold, and nothing of it is written down or told', async () => {
    const variables: Record<string, string>[] = [
      Object.fromEntries(SINK_KINDS[kind].secrets.map((name) => [name, 'env-s3cret'])),
      {},
    ];
    for (const env of variables) {
      const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
      const tracker = await fakeTracker(kind, [null, 401]);
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      const origin = `${tracker.origin.replace('//', '//me:url-s3cret@')}/?write_token=url-s3cret`;
      const error = await rejectionOf(send(run, kind, { origin }));
      expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
      await send(run, kind, { origin });
      const basic = `Basic ${Buffer.from('me:url-s3cret').toString('base64')}`;
      expect(tracker.headers.map(({ authorization }) => authorization)).toContain(basic);
      expect(contents(run)).not.toContain('s3cret');
    }
  });

  it('is shown nothing where the environment is meant for another server', async () => {
    const { secrets, server } = SINK_KINDS[kind];
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker(kind);
    for (const name of secrets) vi.stubEnv(name, 'env-s3cret');
    const shownTo = async () => {
      tracker.headers.length = 0;
      await send(run, kind, tracker);
      return JSON.stringify(tracker.headers);
    };
    const secret = /env-s3cret|Basic /;
    expect(await shownTo()).toMatch(secret);
    for (const other of ['http://other.example', 'sqlite:///x.db', 'http://127.0.0.1:1']) {
      vi.stubEnv(server, other);
      expect(await shownTo()).not.toMatch(secret);
    }
    vi.stubEnv(server, `${tracker.origin}/some/path`);
    expect(await shownTo()).toMatch(secret);
    // A token of Hugging Face's, which this server is not.
    vi.stubEnv('TRACKIO_WRITE_TOKEN', '');
    for (const name of secrets) if (name !== 'HF_TOKEN') vi.stubEnv(name, '');
    expect(await shownTo()).not.toMatch(secret);
  });

  it('is not sent to through a link that somebody planted in the run', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker(kind);
    const elsewhere = temporaryFolder();
    symlinkSync(elsewhere, join(run, 'sinks'));
    expect((await rejectionOf(send(run, kind, tracker))).message).toContain('is a symbolic link');
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(join(run, 'sinks'));
    await send(run, kind, tracker);
    const [place] = readdirSync(join(run, 'sinks'));
    const path = join(run, 'sinks', place!, 'position.json');
    rmSync(path);
    symlinkSync(join(elsewhere, 'x'), path);
    expect((await rejectionOf(send(run, kind, tracker))).message).toContain('is a symbolic link');
  });

  it('whose certificate nobody trusts is told', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 1));
    const { origin } = await serve((_, response) => response.end('{}'), await untrustedIdentity());
    const error = (await rejectionOf(send(run, kind, { origin }))) as TrackerError;
    expect(error.message).toContain('signed by nobody who is trusted here');
  });

  it('that answers without end is given up', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 1));
    const { origin } = await serve((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1 << 20, ' '))) {}
      };
      response.on('drain', more);
      more();
    });
    const error = (await rejectionOf(send(run, kind, { origin }))) as TrackerError;
    expect(error.message).toContain('answers without end');
    expect(error.mayPass).toBe(false);
  });

  it('tries again what may pass, and not what is refused', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker(kind, [503]);
    const notes: string[] = [];
    const note = (sentence: string) => notes.push(sentence);
    const [done] = await exportRuns([run], { kind, address: tracker.origin }, { note });
    expect(done).toMatchObject({ run_dir: run, rows: 2, before: 0 });
    expect(notes).toEqual([expect.stringMatching(/answered 503.* Trying again in 1 s\.$/)]);
    tracker.faults = [403];
    const { length } = tracker.asked;
    await rejectionOf(exportRuns([run], { kind, address: tracker.origin }, { note }));
    expect(tracker.asked).toHaveLength(length + 1);
  });

  it('is no folder', async () => {
    const error = await rejectionOf(exportRuns([], { kind, address: 'some/folder' }));
    expect(error.kind).toBe('usage');
  });
});

const RECORDED = {
  meta: {
    configHash: '0',
    dataHash: '0',
    corruptionHash: '0',
    version: '0',
    seeds: { data: 1, corruption: 2, init: 3 },
  },
  steps: false,
  corruptedTestAccuracy: false,
  top5: false,
  tensorboard: false,
};

/** One try of a process of its own. */
async function isSent(
  run: string,
  kind: (typeof TRACKER_NAMES)[number],
  tracker: FakeTracker,
): Promise<boolean> {
  try {
    await send(run, kind, tracker);
    return true;
  } catch (error) {
    if (error instanceof TrackerError && error.mayPass) return false;
    throw error;
  }
}

/** All that a run directory holds, as one text. */
function contents(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
    .join('\n');
}

describe('MLflow', () => {
  it('keeps the first value of a param, and that is told', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2), { train: { epochs: 2 } });
    const tracker = await fakeTracker('mlflow');
    await send(run, 'mlflow', tracker);
    const path = join(run, 'config.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"epochs": 2', '"epochs": 3'));
    expect(await send(run, 'mlflow', tracker)).toEqual([
      'MLflow keeps the first value of a param: train.epochs is 2 there, and 3 here.',
    ]);
  });

  it('finds its run again by a tag, where the run directory was copied without what it remembers', async () => {
    const run = finishedRun(temporaryFolder(), rowsOf(1, 2));
    const tracker = await fakeTracker('mlflow');
    await send(run, 'mlflow', tracker);
    rmSync(join(run, 'sinks'), { recursive: true });
    mkdirSync(join(run, 'sinks'));
    await send(run, 'mlflow', tracker);
    expect(tracker.asked.filter((asked) => asked.endsWith('runs/create'))).toHaveLength(1);
    expect(tracker.states.at(-1)).toBe('FINISHED');
  });
});
