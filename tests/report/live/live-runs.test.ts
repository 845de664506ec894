import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../../src/errors.js';
import { LiveRuns } from '../../../src/report/live/live-runs.js';
import { type ReportRun, readRuns } from '../../../src/report/runs.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { writeRun } from '../helpers.js';

/** What a report of the same folder would read. */
async function fresh(folder: string) {
  const none = { runs: [], damaged: [] };
  return readRuns([folder]).catch((error: unknown) => {
    if (error instanceof RethinkError && error.kind === 'data') return none;
    throw error;
  });
}

const shown = ({ runs, damaged }: { runs: ReportRun[]; damaged: object[] }) => ({
  runs: runs.map((run) => ({ ...run, losses: run.losses() })),
  damaged,
});

const LOSSES = Array.from({ length: 20 }, (_, i) => 1 / (i + 1));

/** What can happen to runs between two looks. */
const CHANGES = {
  begin: (path: string) => writeRun(path, { state: 'running', train: [0.5], losses: LOSSES }),
  finish: (path: string) => writeRun(path, { losses: LOSSES, train: [0.5, 0.75, 1] }),
  interrupt: (path: string) =>
    writeRun(path, { state: 'running', heartbeat: new Date('2020-01-01') }),
  other: (path: string) => writeRun(path, { config: { seed: 7 }, test: 0.25 }),
  theory: (path: string) =>
    writeRun(path, { config: { experiment: 'theorem1' }, state: 'running' }),
  row: (path: string) => {
    mkdirSync(path, { recursive: true });
    appendFileSync(join(path, 'metrics.jsonl'), '{"epoch":9,"step":90,"train_accuracy":0.125}\n');
  },
  step: (path: string) => {
    mkdirSync(path, { recursive: true });
    appendFileSync(join(path, 'steps.csv'), '21,2,0.1,0.04,0.5\n');
  },
  tear: (path: string) => {
    mkdirSync(path, { recursive: true });
    appendFileSync(join(path, 'metrics.jsonl'), '{"epoch"');
  },
  cut: (path: string) => {
    mkdirSync(path, { recursive: true });
    appendFileSync(join(path, 'metrics.jsonl'), '');
    truncateSync(join(path, 'metrics.jsonl'), 0);
  },
  damage: (path: string) => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'config.json'), '{');
  },
  empty: (path: string) => mkdirSync(path, { recursive: true }),
  remove: (path: string) => rmSync(path, { recursive: true, force: true }),
  rename: (path: string) => {
    mkdirSync(path, { recursive: true });
    rmSync(`${path}-renamed`, { recursive: true, force: true });
    renameSync(path, `${path}-renamed`);
  },
};
type Change = keyof typeof CHANGES;

describe('LiveRuns', () => {
  it('find what a report finds, whatever has happened to the runs', async () => {
    const change = fc.record({
      what: fc.constantFrom(...(Object.keys(CHANGES) as Change[])),
      where: fc.constantFrom('one', 'sweep/two', 'sweep/three'),
      look: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 3, maxLength: 15 }), async (changes) => {
        const folder = temporaryFolder();
        const live = new LiveRuns([folder]);
        for (const { what, where, look } of changes) {
          await CHANGES[what](join(folder, where));
          if (look) expect(shown(await live.look())).toEqual(shown(await fresh(folder)));
        }
        expect(shown(await live.look())).toEqual(shown(await fresh(folder)));
      }),
      { numRuns: 40 },
    );
  });

  it('read again what they are told has changed, and new runs; the others stay the same objects', async () => {
    const folder = temporaryFolder();
    const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [one, two]) await writeRun(path, { state: 'running', train: [0.5] });
    const live = new LiveRuns([folder]);
    const before = await live.look();
    expect(await live.look(new Set())).toBe(before);
    for (const path of [one, two]) CHANGES.row(path);
    await writeRun(three);
    const after = await live.look(new Set([two]));
    expect(after.runs.map(({ path }) => path)).toEqual([one, three, two]);
    expect(after.runs[0]).toBe(before.runs[0]);
    expect(after.runs[2]!.metrics).toHaveLength(2);
    expect(before.runs[1]!.metrics).toHaveLength(1);
    expect((await live.look()).runs[0]!.metrics).toHaveLength(2);
  });

  it('tell of a folder that is not there, and find its runs when it is', async () => {
    const folder = join(temporaryFolder(), 'results');
    const live = new LiveRuns([folder]);
    expect(await live.look()).toEqual({
      runs: [],
      damaged: [{ path: folder, problem: `There is no folder ${folder}.` }],
    });
    await writeRun(join(folder, 'one'));
    const { runs, damaged } = await live.look();
    expect([runs.length, damaged]).toEqual([1, []]);
  });

  it('are chosen by conditions as a report chooses them, also as they change', async () => {
    const folder = temporaryFolder();
    for (const seed of [0, 1, 2]) {
      const state = seed === 0 ? 'running' : 'finished';
      await writeRun(join(folder, `run-${seed}`), { config: { seed }, state });
    }
    const where = ['seed<2', 'state=finished'];
    const live = new LiveRuns([folder], where);
    const paths = async () => (await live.look()).runs.map(({ path }) => path);
    expect(await paths()).toEqual([join(folder, 'run-1')]);
    await writeRun(join(folder, 'run-0'), { config: { seed: 0 } });
    const { runs } = await readRuns([folder], Date.now(), { where });
    expect(await paths()).toEqual(runs.map(({ path }) => path));
    expect(runs).toHaveLength(2);
    expect(() => new LiveRuns([folder], ['sede=1'])).toThrow('no key "sede"');
  });
});
