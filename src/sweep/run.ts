import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Trial } from '../config/experiment.js';
import { limitError } from '../disk/limits.js';
import { holderOf } from '../disk/lock.js';
import { toldProcess } from '../disk/process-identity.js';
import { reportOf, tolerate } from '../errors.js';
import type { RunEvents } from '../setup/events.js';
import { DataShelf } from '../setup/member.js';
import type { FinishedRun } from '../setup/options.js';
import { awaitTrial, type ClaimedTrial, claimTrial, type TrialClaim } from './claim.js';
import { type SweepDefinition, SweepDirectory } from './directory.js';
import { claimFolder, findEarlierRun, RunListing } from './find.js';
import { Forecast } from './forecast.js';
import { lacking, needsOf } from './needs.js';
import type { SweepOptions, SweepWatcher } from './options.js';
import { wantedTrials } from './part.js';
import { runInProcess, type TrialRequest } from './process.js';
import { planSlots, runPool, type Slots, thisMachine } from './slots.js';
import type { TrialRecord } from './types.js';

const UNWATCHED: SweepWatcher = {
  started: () => {},
  trial: () => ({ events: {}, close: () => {} }),
  ended: () => {},
  note: () => {},
};

/**
 * Runs what is missing of a sweep: finished trials are taken as they are, interrupted ones are gone on with. A trial
 * that fails is noted, and the others go on. The table is written anew after every trial.
 *
 * Any number of processes and machines that share a disk may run one sweep: each trial is claimed before it is run.
 *
 * @returns What became of each trial, in order; some still `waiting` where the signal was aborted, and `elsewhere` where
 *   another process has them.
 * @throws RethinkError (`failed`) where the disk refuses.
 */
export async function runSweep(
  definition: SweepDefinition,
  options: SweepOptions = {},
): Promise<TrialRecord[]> {
  const {
    out = 'results',
    signal = new AbortController().signal,
    watcher = UNWATCHED,
    loadRunner = () => import('../run/index.js'),
  } = options;
  const onWait = (sentence: string) => watcher.note(sentence);
  const directory = SweepDirectory.open(join(out, definition.name), { signal, onWait });
  // A task's sweep was written by whoever submitted it.
  if (options.only === undefined) await directory.writeDefinition(definition);
  const complete = { ...options, out, signal, watcher, loadRunner };
  return await new Sweep(definition, directory, complete).run();
}

type CompleteOptions = SweepOptions &
  Required<{
    [K in 'out' | 'signal' | 'watcher' | 'loadRunner']: NonNullable<SweepOptions[K]>;
  }>;

class Sweep {
  private readonly records: TrialRecord[];
  private readonly forecast: Forecast;
  /** Of each trial, the others that have to be complete before it. */
  private readonly needs: readonly (readonly number[])[];
  /** For all members of an experiment that this process trains. */
  private readonly shelf = new DataShelf();
  /** Failures of earlier runs: those trials are tried again. */
  private readonly failedBefore = new Set<string>();
  /** Trials that this process runs now. */
  private readonly running = new Set<number>();
  /** Those whose run directory turned out to be another process's, which knows nothing of the sweep. */
  private readonly leftAlone = new Set<number>();
  /** Those that another process had and came to no end with. */
  private readonly givenUp = new Set<number>();

  constructor(
    private readonly definition: SweepDefinition,
    private readonly directory: SweepDirectory,
    private readonly options: CompleteOptions,
  ) {
    this.records = definition.trials.map((trial) => ({ trial, state: 'waiting' }));
    this.forecast = options.forecast ?? new Forecast(definition.trials);
    this.needs = needsOf(definition.trials);
  }

  async run(): Promise<TrialRecord[]> {
    const { jobs, only, maxTrials, signal, watcher } = this.options;
    await this.lookForEarlierRuns();
    await this.writeTable();
    const wanted = new Set(wantedTrials([...this.records.keys()], this.options));
    const toRun = [...this.records.keys()]
      .filter((index) => ['waiting', 'elsewhere'].includes(this.records[index]!.state))
      .filter((index) => {
        // What needs others is run by whoever brings the last of these to an end.
        if (this.needs[index]!.length > 0) return maxTrials === undefined || wanted.has(index);
        return wanted.has(index) && (only?.has(this.records[index]!.trial.id) ?? true);
      });
    for (const [index, record] of this.records.entries()) {
      if (record.state === 'waiting' && !toRun.includes(index))
        this.forecast.leaveOut(record.trial);
      else if (!toRun.includes(index)) this.forecast.ended(record);
    }
    watcher.started(this.records, toRun.length);
    const slots = await this.slots(jobs, toRun);
    this.forecast.divide(slots.count);
    const held = toRun.filter((index) => this.needs[index]!.length > 0);
    for (let left = toRun.filter((index) => !held.includes(index)); ; ) {
      await runPool(left, slots.count, signal, (index, slot) =>
        this.runTrial(index, slots.environments[slot]!),
      );
      await this.writeTable();
      left = await this.given(toRun);
      if (left.length === 0) left = held.splice(0).filter((index) => this.isReady(index));
      if (left.length === 0) return this.records;
    }
  }

  private isReady(index: number): boolean {
    const { state } = this.records[index]!;
    return state === 'waiting' && lacking(this.needs[index]!, this.records) === 0;
  }

  private async slots(jobs: number | undefined, toRun: number[]): Promise<Slots> {
    if (jobs === undefined || toRun.length === 0) {
      return { count: 1, environments: [{}], notes: [] };
    }
    const configs = toRun.map((index) => this.definition.trials[index]!.config);
    const slots = planSlots(Math.min(jobs, toRun.length), configs, await thisMachine());
    for (const note of slots.notes) this.options.watcher.note(note);
    return slots;
  }

  private async lookForEarlierRuns(): Promise<void> {
    const { out } = this.options;
    const listing = new RunListing(out);
    for (const [index, { trial }] of this.records.entries()) {
      const earlier = await findEarlierRun(out, trial, listing);
      if (earlier?.found === 'failed') this.failedBefore.add(earlier.id);
      if (earlier?.found !== 'finished') continue;
      this.records[index] = { trial, state: 'ended', foundEarlier: true, ...earlier.run };
    }
  }

  /** What others have done meanwhile with the trials that this process doesn't run. */
  private async lookElsewhere(): Promise<void> {
    const { out } = this.options;
    const listing = new RunListing(out);
    for (const [index, record] of this.records.entries()) {
      const open = record.state === 'waiting' || record.state === 'elsewhere';
      if (open && !this.running.has(index)) await this.lookAgain(index, listing);
    }
  }

  private async lookAgain(index: number, listing: RunListing): Promise<void> {
    const { out } = this.options;
    const { trial } = this.records[index]!;
    const earlier = await findEarlierRun(out, trial, listing);
    if (earlier?.found === 'finished') {
      this.records[index] = { trial, state: 'ended', foundEarlier: true, ...earlier.run };
    } else if (earlier?.found === 'failed' && !this.failedBefore.has(earlier.id)) {
      const { runDir, error } = earlier;
      this.records[index] = { trial, state: 'failed', error, runDir };
    } else if (listing.isClaimed(trial)) {
      const holder = holderOf(claimFolder(out, trial));
      const isHeld = holder !== null && holder.liveness !== 'dead';
      const runDir = earlier?.runDir ?? null;
      if (isHeld) {
        this.records[index] = { trial, state: 'elsewhere', by: toldProcess(holder), runDir };
      } else if (!this.leftAlone.has(index)) {
        if (this.records[index]!.state === 'elsewhere') this.givenUp.add(index);
        this.records[index] = { trial, state: 'waiting' };
      }
    }
  }

  private async writeTable(): Promise<void> {
    await this.directory.writeTable(async () => {
      await this.lookElsewhere();
      return this.records;
    });
  }

  /**
   * Trials that other processes had, and that are free now: of one on another machine, it is waited for a sign of life.
   *
   * @param of The trials that this process was asked for.
   */
  private async given(of: readonly number[]): Promise<number[]> {
    const { out, signal, watcher, wait, mayStart } = this.options;
    if (wait === 'never' || mayStart?.() === false) return [];
    const onWait = (sentence: string) => watcher.note(sentence);
    const isFree = async (index: number) => {
      const { trial, state } = this.records[index]!;
      if (this.givenUp.delete(index) && !signal.aborted) return [index];
      if (state !== 'elsewhere' || signal.aborted || this.leftAlone.has(index)) return [];
      return await awaitTrial(out, trial, { signal, onWait }).then(
        () => [index],
        tolerate(() => []),
      );
    };
    return (await Promise.all(of.map(isFree))).flat();
  }

  private async runTrial(index: number, env: Record<string, string>): Promise<void> {
    const { trial, state } = this.records[index]!;
    const { watcher, mayStart } = this.options;
    if (mayStart?.() === false) return;
    // Another process may have ended it in the meantime.
    if (state === 'ended' || state === 'failed') return;
    const claim = await this.claim(trial);
    // As if it had not begun.
    if (claim === undefined) return;
    if (claim.state === 'claimed') {
      this.running.add(index);
      try {
        this.records[index] = await this.runClaimed(trial, claim.trial, env);
        if (this.records[index]!.state === 'elsewhere') this.leftAlone.add(index);
      } finally {
        this.running.delete(index);
        claim.trial.release();
      }
      // Interrupted before it had anything to write: as if it had not begun.
      if (this.records[index]!.state === 'waiting') return;
    } else if (claim.state === 'finished') {
      this.records[index] = { trial, state: 'ended', foundEarlier: true, ...claim.run };
    } else if (claim.state === 'failed') {
      const { runDir, error } = claim;
      this.records[index] = { trial, state: 'failed', error, runDir };
    } else {
      this.records[index] = { trial, state: 'elsewhere', by: claim.by, runDir: null };
    }
    this.forecast.ended(this.records[index]!);
    // What others did, they have written.
    if (claim.state === 'claimed') await this.writeTable();
    watcher.ended(this.records[index]!);
  }

  /** `undefined` where it was interrupted. */
  private async claim(trial: Trial): Promise<TrialClaim | undefined> {
    const { out, signal } = this.options;
    const { failedBefore } = this;
    try {
      return await claimTrial(out, trial, { wait: 'never', signal, failedBefore });
    } catch (error) {
      const described = reportOf(error);
      return described.kind === 'interrupted'
        ? undefined
        : { state: 'failed', runDir: null, error: described };
    }
  }

  /** Runs a trial that is this process's alone, and says what became of it. */
  private async runClaimed(
    trial: Trial,
    claimed: ClaimedTrial,
    env: Record<string, string>,
  ): Promise<TrialRecord> {
    const watching = this.options.watcher.trial(trial);
    const events = this.forecast.observe(trial, watching.events);
    // Where the trial writes, for one that fails later.
    let { runDir } = claimed;
    const started: RunEvents['started'] = (event) => {
      runDir = event.runDir;
      events.started?.(event);
    };
    try {
      const run = await this.attempt(trial, claimed, { ...events, started }, env);
      this.options.onResult?.(trial, run);
      return { trial, state: 'ended', foundEarlier: false, ...run };
    } catch (error) {
      const described = reportOf(limitError(error) ?? error);
      if (described.kind === 'interrupted') return { trial, state: 'waiting' };
      // Its run directory is held by somebody who resumes it by hand, or was taken over.
      if (described.kind === 'busy' || described.kind === 'lost') {
        const holder = runDir === null ? null : holderOf(runDir);
        const by = holder === null ? 'another process' : toldProcess(holder);
        return { trial, state: 'elsewhere', by, runDir };
      }
      return { trial, state: 'failed', error: described, runDir };
    } finally {
      watching.close();
    }
  }

  private async attempt(
    trial: Trial,
    { runDir, claim }: ClaimedTrial,
    events: RunEvents,
    env: Record<string, string>,
  ): Promise<FinishedRun> {
    const { out, dataDir, jobs, signal, checkpointRequests, child, loadRunner } = this.options;
    const { config } = trial;
    const { source, trials, origin } = this.definition;
    if (runDir !== null) await orphanGone(runDir, signal);
    const { device, devices } = config.engine;
    // An earlier run may have had others.
    const runsOn = { device, devices };
    const request: TrialRequest = {
      config,
      runDir,
      options: { out, dataDir, source, origin, runsOn, claim },
    };
    if (jobs !== undefined) return runInProcess(request, { events, signal, env, child });
    const runner = await loadRunner();
    const othersFollow = trials.some((other) => other.config.model.name !== config.model.name);
    const { shelf } = this;
    const shared = { ...request.options, shelf, events, signal, checkpointRequests, othersFollow };
    return runDir === null
      ? runner.runExperiment(config, shared)
      : runner.resumeRun(runDir, shared);
  }
}

const ORPHAN_SECONDS = 30;

/**
 * Waits for a process whose sweep was killed: it ends by itself as soon as the native call that it is in returns. One
 * that lives on is told of by whoever opens the directory next.
 */
async function orphanGone(runDir: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < ORPHAN_SECONDS && !signal.aborted; waited += 0.2) {
    if (holderOf(runDir)?.liveness !== 'alive') return;
    await setTimeout(200);
  }
}
