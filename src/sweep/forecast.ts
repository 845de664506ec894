import type { Trial } from '../config/experiment.js';
import type { Config } from '../config/resolve.js';
import { isSeed } from '../record/listing/seeds.js';
import { isTheoryResult } from '../results/theory.js';
import type { RunEvents } from '../setup/events.js';
import { roughly } from '../text.js';
import { type Course, type EpochsNeeded, epochsNeeded } from './epochs-needed.js';
import { isComplete, type TrialRecord } from './types.js';

/** A guess at the time left. */
export interface TimeLeft {
  seconds: number;
  /** Whether it counts epochs that may not be needed. */
  atMost: boolean;
}

/** A trial as far as it is. */
export interface TrialState {
  overrides: Record<string, unknown>;
  train: Pick<Config['train'], 'epochs' | 'stop' | 'evaluateEvery'>;
  state: 'waiting' | 'running' | 'ended';
  /** Epochs done, with a fraction. */
  done: number;
  course: Course;
  /** Measured; `undefined` while nothing is. */
  secondsPerEpoch: number | undefined;
}

/** `20 s left`, `at most 50 min left`; empty where nothing is known. */
export function toldTimeLeft(left: TimeLeft | undefined): string {
  return left === undefined ? '' : `${left.atMost ? 'at most ' : ''}${roughly(left.seconds)} left`;
}

/**
 * Time left of one of some trials: its epochs from its own course, else from those trials most like it that have ended
 * or know theirs; the same for the time that an epoch takes.
 */
export function timeLeftOf(trial: TrialState, trials: readonly TrialState[]): TimeLeft | undefined {
  if (trial.state === 'ended') return { seconds: 0, atMost: false };
  const secondsPerEpoch =
    trial.secondsPerEpoch ??
    meanOf(
      nearest(trial, trials, (other) => other.secondsPerEpoch !== undefined),
      (other) => other.secondsPerEpoch!,
    );
  if (secondsPerEpoch === undefined) return undefined;
  const { epochs, atMost } = needed(trial, trials);
  return { seconds: Math.max(0, epochs - trial.done) * secondsPerEpoch, atMost };
}

/** Time left of all trials, so many of which run at once. */
export function timeLeftOfAll(trials: readonly TrialState[], slots: number): TimeLeft | undefined {
  const busy: number[] = [];
  let atMost = false;
  // Those under way hold their slots already.
  for (const state of ['running', 'waiting'] as const) {
    for (const trial of trials.filter((trial) => trial.state === state)) {
      const left = timeLeftOf(trial, trials);
      if (left === undefined) return undefined;
      atMost ||= left.atMost;
      if (busy.length < slots) busy.push(left.seconds);
      else {
        const first = busy.indexOf(Math.min(...busy));
        busy[first] = busy[first]! + left.seconds;
      }
    }
  }
  return { seconds: Math.max(0, ...busy), atMost };
}

function needed(trial: TrialState, trials: readonly TrialState[]): EpochsNeeded {
  const own = epochsNeeded(trial.course, trial.train);
  if (!own.atMost) return own;
  const known = (other: TrialState) => other.state === 'ended' || !ownEpochs(other).atMost;
  const epochs = meanOf(nearest(trial, trials, known), (other) => ownEpochs(other).epochs);
  // One that is beyond what the others took tells more of itself than they do.
  if (epochs === undefined || epochs <= trial.done) return own;
  return { epochs: Math.min(own.epochs, epochs), atMost: false };
}

function ownEpochs(trial: TrialState): EpochsNeeded {
  if (trial.state === 'ended') return { epochs: trial.done, atMost: false };
  return epochsNeeded(trial.course, trial.train);
}

/** The other trials that differ from this one in the fewest keys, seeds aside. */
function nearest(
  trial: TrialState,
  trials: readonly TrialState[],
  known: (other: TrialState) => boolean,
): TrialState[] {
  const others = trials.filter((other) => other !== trial && known(other));
  const distances = others.map((other) => distance(trial.overrides, other.overrides));
  const least = Math.min(...distances);
  return others.filter((_, i) => distances[i] === least);
}

function distance(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].filter(
    (key) => !isSeed(key) && JSON.stringify(a[key]) !== JSON.stringify(b[key]),
  ).length;
}

function meanOf<T>(items: readonly T[], value: (item: T) => number): number | undefined {
  if (items.length === 0) return undefined;
  return items.reduce((sum, item) => sum + value(item), 0) / items.length;
}

/** A trial under way, as its events tell. */
interface Watched extends TrialState {
  points: { epoch: number; accuracy: number }[];
  /** Of the clock, in milliseconds: when it began, and when its training did. */
  began: number;
  trained: number;
  /** Epochs done when its training began. */
  from: number;
}

/** Learns how long trials take from what they tell, and says how long the others will. */
export class Forecast {
  private readonly trials: Map<Pick<Trial, 'config'>, Watched>;
  private slots = 1;

  constructor(
    trials: readonly Pick<Trial, 'config' | 'overrides'>[],
    private readonly now: () => number = () => performance.now(),
  ) {
    this.trials = new Map(trials.map((trial) => [trial, waiting(trial)]));
  }

  /** @param slots Trials that run at once. */
  divide(slots: number): void {
    this.slots = slots;
  }

  /** Notes that a trial is not waited for. */
  leaveOut(trial: Pick<Trial, 'config'>): void {
    this.trials.delete(trial);
  }

  /** Events that this hears as well. */
  observe(trial: Pick<Trial, 'config'>, events: RunEvents): RunEvents {
    const watched = this.trials.get(trial);
    // It was another process's, and left out.
    if (watched === undefined) return events;
    watched.state = 'running';
    watched.began = this.now();
    return {
      ...events,
      started: (event) => {
        watched.trained = this.now();
        watched.from = event.epochsDone;
        watched.done = event.epochsDone;
        watched.course = { points: watched.points, examples: event.trainCount };
        events.started?.(event);
      },
      steps: (event) => {
        this.reached(watched, event.epoch - 1 + event.stepInEpoch / event.stepsPerEpoch);
        events.steps?.(event);
      },
      epoch: (row) => {
        watched.points.push({ epoch: row.epoch, accuracy: row.train_accuracy });
        this.reached(watched, row.epoch);
        events.epoch?.(row);
      },
    };
  }

  /** Notes what became of a trial, now or in an earlier run of the sweep. */
  ended(record: TrialRecord): void {
    const watched = this.trials.get(record.trial);
    // An interrupted one stays as far as it is.
    if (watched === undefined || record.state === 'waiting') return;
    // One that failed says nothing of the others; one that is run elsewhere isn't waited for.
    if (record.state === 'failed' || record.state === 'elsewhere') this.leaveOut(record.trial);
    if (!isComplete(record)) return;
    const { result } = record;
    const training = isTheoryResult(result) ? undefined : result;
    watched.done = training?.epochs ?? watched.train.epochs;
    watched.state = 'ended';
    const seconds = record.foundEarlier
      ? (result.seconds ?? 0)
      : (this.now() - watched.began) / 1000;
    const epochs = record.foundEarlier ? watched.done : watched.done - watched.from;
    watched.secondsPerEpoch = seconds > 0 && epochs > 0 ? seconds / epochs : undefined;
  }

  /** Of all trials. */
  left(): TimeLeft | undefined {
    return timeLeftOfAll([...this.trials.values()], this.slots);
  }

  leftOf(trial: Pick<Trial, 'config'>): TimeLeft | undefined {
    const watched = this.trials.get(trial);
    return watched && timeLeftOf(watched, [...this.trials.values()]);
  }

  private reached(watched: Watched, done: number): void {
    watched.done = done;
    const epochs = done - watched.from;
    if (epochs <= 0) return;
    watched.secondsPerEpoch = (this.now() - watched.trained) / 1000 / epochs;
  }
}

function waiting({ config, overrides }: Pick<Trial, 'config' | 'overrides'>): Watched {
  const points: Watched['points'] = [];
  // An experiment of the theory is done in one go.
  const whole = { epochs: 1, stop: null, evaluateEvery: 1 };
  return {
    overrides,
    train: config.experiment === 'train' ? config.train : whole,
    state: 'waiting',
    done: 0,
    points,
    course: { points, examples: 1 },
    secondsPerEpoch: undefined,
    began: 0,
    trained: 0,
    from: 0,
  };
}
