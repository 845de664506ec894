import { basename, dirname, join } from 'node:path';
import type { Trial } from '../config/experiment.js';
import { configHash } from '../config/hash.js';
import type { Config } from '../config/resolve.js';
import { Unchanged } from '../disk/unchanged.js';
import { readOr, tolerate } from '../errors.js';
import { isSweepDirectory, SWEEP_FILE } from '../record/listing/sweeps.js';
import type { Progress } from '../report/live/progress.js';
import type { ReportRun } from '../report/runs.js';
import { readSweep } from './directory.js';
import { type TimeLeft, type TrialState, timeLeftOfAll, toldTimeLeft } from './forecast.js';
import { LaunchFolder } from './launch/folder.js';

/** In the order in which they are told. */
const STATES = ['done', 'running', 'waiting', 'interrupted', 'failed'] as const;
type State = (typeof STATES)[number];

/** Which trial it is, if any: those of a sweep lie in a folder of their name beside the sweep's own. */
type Key = `${string} ${string}`;

/** A trial of a sweep with its runs, oldest first. */
interface Tried {
  trial: Trial;
  runs: ReportRun[];
  state: State;
}

/** Says again and again how far sweeps are, by runs that somebody has read anyway: no scheduler is asked. */
export class SweepsProgress {
  private readonly sweeps = new Unchanged();
  private readonly hashes = new WeakMap<Config, string>();

  /**
   * How far the sweeps in some folders are, and those runs under way that belong to none: what is under way comes first. A
   * sweep that is damaged is passed over.
   *
   * @param folders Any, sweeps' or not.
   */
  async read(folders: Iterable<string>, runs: readonly ReportRun[]): Promise<Progress[]> {
    const byTrial = new Map<Key, ReportRun[]>();
    for (const run of runs) {
      const key = this.keyOf(dirname(run.path), run.config);
      byTrial.set(key, [...(byTrial.get(key) ?? []), run]);
    }
    const found: { progress: Progress; rank: number }[] = [];
    for (const folder of folders) {
      if (!isSweepDirectory(folder)) continue;
      const trials = await this.trialsOf(folder);
      const failures = readOr(
        () => new LaunchFolder(folder).failures(),
        new Map<string, unknown>(),
      );
      const tried = trials.map((trial) => {
        const key = this.keyOf(join(dirname(folder), trial.config.name), trial.config);
        const own = byTrial.get(key) ?? [];
        byTrial.delete(key);
        return { trial, runs: own, state: stateOf(own, failures.has(trial.id)) };
      });
      if (tried.length > 0) found.push(sweepProgress(folder, tried));
    }
    const single = [...byTrial.values()].flat().filter(({ state }) => state === 'running');
    found.push(...single.map((run) => ({ progress: runProgress(run), rank: 0 })));
    return found.sort((a, b) => a.rank - b.rank).map(({ progress }) => progress);
  }

  private async trialsOf(folder: string): Promise<Trial[]> {
    return this.sweeps.of(join(folder, SWEEP_FILE), () =>
      readSweep(folder).then(
        ({ trials }) => trials,
        tolerate(() => []),
      ),
    );
  }

  private keyOf(parent: string, config: Config): Key {
    const hash = this.hashes.get(config) ?? configHash(config);
    this.hashes.set(config, hash);
    return `${hash} ${parent}`;
  }
}

const hasEnded = ({ result, theory }: ReportRun) =>
  theory !== null || (result !== null && result.outcome !== 'interrupted');

function stateOf(runs: readonly ReportRun[], failedBefore: boolean): State {
  const newest = runs.at(-1);
  if (runs.some(hasEnded)) return 'done';
  if (runs.some(({ state }) => state === 'running')) return 'running';
  if (failedBefore || newest?.state === 'failed') return 'failed';
  return newest === undefined ? 'waiting' : 'interrupted';
}

function sweepProgress(
  folder: string,
  tried: readonly Tried[],
): { progress: Progress; rank: number } {
  const count = (state: State) => tried.filter((one) => one.state === state).length;
  const [done, running] = [count('done'), count('running')];
  const others = STATES.slice(1)
    .filter((state) => count(state) > 0)
    .map((state) => `${count(state)} ${state}`);
  const waitedFor = tried.filter(({ state }) => state !== 'failed');
  // Where nothing runs, nobody knows when it goes on.
  const left = running === 0 ? undefined : timeLeftOfAll(waitedFor.map(trialState), running);
  const progress = {
    label: basename(folder),
    done: done / tried.length,
    told: told([`${done} of ${tried.length} trials done`, ...others].join(', '), left),
  };
  return { progress, rank: running > 0 ? 0 : done < tried.length ? 1 : 2 };
}

function runProgress(run: ReportRun): Progress {
  const state = trialState({
    trial: { overrides: {}, config: run.config },
    runs: [run],
    state: 'running',
  });
  const { epochs, stop } = state.train;
  const most = stop === null ? epochs : `at most ${epochs}`;
  const left = timeLeftOfAll([state], 1);
  return {
    label: `${basename(dirname(run.path))}/${basename(run.path)}`,
    done: state.done / epochs,
    told: told(`epoch ${state.done} of ${most} done`, left),
  };
}

const told = (what: string, left: TimeLeft | undefined) =>
  [what, toldTimeLeft(left)].filter(Boolean).join('; ');

/** What is not known of how many examples there are changes a guess but little. */
const EXAMPLES = 50_000;

/** A trial as its files tell. */
function trialState({
  trial: { config, overrides },
  runs,
  state,
}: Pick<Tried, 'runs' | 'state'> & { trial: Pick<Trial, 'config' | 'overrides'> }): TrialState {
  const run = runs.find(hasEnded) ?? runs.findLast((one) => one.state === 'running') ?? runs.at(-1);
  const { data, train, experiment } = config;
  const last = run?.metrics.at(-1);
  const epochs = run?.result?.epochs ?? last?.epoch ?? 0;
  const seconds = run?.result?.seconds ?? last?.seconds ?? 0;
  const points = (run?.metrics ?? []).flatMap(({ epoch, train_accuracy: accuracy }) =>
    accuracy === undefined ? [] : [{ epoch, accuracy }],
  );
  const examples = run?.result?.data?.train ?? data.split?.train ?? data.limit ?? EXAMPLES;
  return {
    overrides,
    // An experiment of the theory is done in one go.
    train: experiment === 'train' ? train : { epochs: 1, stop: null, evaluateEvery: 1 },
    state: state === 'done' ? 'ended' : state === 'running' ? 'running' : 'waiting',
    done: epochs,
    course: { points, examples },
    secondsPerEpoch: seconds > 0 && epochs > 0 ? seconds / epochs : undefined,
  };
}
