import { FITTED_ACCURACY } from '../paper.js';
import type { Group } from './groups.js';
import type { ReportRun } from './runs.js';

/** When a run first had 95 % of its training set, and how exactly that is known. */
export interface FitTime {
  /** `null`: it never had. */
  step: number | null;
  /** Steps of training in all: a lower bound where it never had. */
  steps: number;
  /** Steps between two evaluations. */
  resolution: number;
}

/** `null` for a run that has not been evaluated yet. */
export function fitTime({ metrics }: Pick<ReportRun, 'metrics'>): FitTime | null {
  const last = metrics.at(-1);
  if (last === undefined) return null;
  const at = metrics.findIndex(({ train_accuracy = 0 }) => train_accuracy >= FITTED_ACCURACY);
  const reached = at === -1 ? last : metrics[at]!;
  const before = metrics[metrics.indexOf(reached) - 1]?.step ?? 0;
  return {
    step: at === -1 ? null : reached.step,
    steps: last.step,
    resolution: reached.step - before,
  };
}

/** Whether a training ended without ever fitting its training set; `null` while that is open. */
export function failedToFit(run: ReportRun): boolean | null {
  const time = fitTime(run);
  if (time?.step != null) return false;
  return run.state === 'finished' || run.state === 'diverged' ? true : null;
}

/** Whether a training ends before all of its training set is fitted: what it reached is not what the network can. */
export function stopsEarly({ config }: Pick<Group, 'config'>): boolean {
  const { stop } = config.train;
  return stop !== null && stop.accuracy < 1;
}

/** Fit times of a group's runs that have been evaluated. */
export function fitTimes({ runs }: Group): FitTime[] {
  return runs.map(fitTime).filter((time) => time !== null);
}

/** When the runs of a group were fitted, in steps. */
export interface GroupTime {
  /** Of all its runs; `null` where one was never fitted. */
  mean: number | null;
  /** What it took at least: less the steps between two evaluations, or all that were trained without fitting. */
  least: number;
  /** Steps between two evaluations, at most. */
  resolution: number;
}

/** @param group Of runs that have ended. */
export function timeToFit({ runs }: Pick<Group, 'runs'>): GroupTime {
  // One that diverged before its first evaluation has no row.
  const never = { step: null, steps: 0, resolution: 0 };
  const times = runs.map((run) => fitTime(run) ?? never);
  const failed = times.filter(({ step }) => step === null);
  const mean = times.reduce((sum, { step }) => sum + (step ?? 0), 0) / times.length;
  const resolution = Math.max(...times.map((time) => time.resolution));
  if (failed.length === 0) return { mean, least: mean - resolution, resolution };
  return { mean: null, least: Math.max(...failed.map(({ steps }) => steps)), resolution };
}
