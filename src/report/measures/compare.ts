import { effective } from '../../config/corruptions.js';
import { dataLabel } from '../../config/datasets.js';
import { type FlatConfig, flatConfig } from '../../config/flat.js';
import { canonicalJson, isRepeated } from '../../config/hash.js';
import { portableConfig } from '../../config/portable.js';
import { sweptKeys } from '../../config/swept.js';
import { MEASURE_NAMES, type MeasureName } from '../../results/measures.js';
import { counted, grouped } from '../../text.js';
import { groupBy } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { granulatedKendall, kendallTauB, meanOf, type Pairs } from './kendall.js';

/** Fewer runs than these rank nothing. */
export const LEAST_RUNS = 5;

/** How a measure's order of some runs goes with that of their gaps. */
export interface Correlation {
  /** Kendall's τ-b; `null`: there is none. */
  tau: number | null;
  /** Runs that have the measure. */
  n: number;
  /** Granulated, by key of the config. */
  psi: Record<string, number | null>;
  /** Mean of those of hyperparameters: Ψ. */
  meanPsi: number | null;
}

/** Runs of one data set, and how measures go with their gaps. */
export interface MeasuredRuns {
  /** `CIFAR-10, 2,000 training images` */
  about: string;
  /** Fitted by the same criterion, with true labels first. */
  runs: ReportRun[];
  /** Those without a corruption. */
  clean: ReportRun[];
  /** Keys in which runs with true labels differ, and keys of corruptions in which all do. */
  keys: string[];
  corruptionKeys: string[];
  rows: { name: MeasureName; clean: Correlation; all: Correlation }[];
  /** Sentences: what is compared and what is left out. */
  notes: string[];
}

/**
 * How measures go with the generalization gap over runs that have them and came to the same stop: where the training sets are not
 * fitted alike, a measure that says how well they are fitted passes for one of generalization (Jiang 2020, section 2).
 */
export function compareMeasures(runs: readonly ReportRun[]): MeasuredRuns[] {
  const measured = runs.filter(({ result }) => result?.measures !== undefined);
  return [...groupBy(measured, dataOf)].flatMap(([about, all]) => {
    const notes: string[] = [];
    const same = sameStop(all, notes);
    if (same.length < LEAST_RUNS) return [];
    const isClean = ({ config }: ReportRun) => effective(config.corruption).length === 0;
    const clean = same.filter(isClean);
    const ordered = [...clean, ...same.filter((run) => !isClean(run))];
    const flats = new Map(same.map((run) => [run, flatConfig(portableConfig(run.config))]));
    const keysOf = (some: readonly ReportRun[]) =>
      sweptKeys(some.map((run) => flats.get(run)!)).filter((key) => !isRepeated(key));
    const keys = keysOf(clean);
    const corruptionKeys = keysOf(same).filter((key) => key.startsWith('corruption'));
    return [
      {
        about,
        runs: ordered,
        clean,
        keys,
        corruptionKeys,
        rows: MEASURE_NAMES.map((name) => ({
          name,
          clean: correlation(name, clean, flats, keys),
          all: correlation(name, same, flats, corruptionKeys),
        })),
        notes,
      },
    ];
  });
}

function dataOf({ config, result }: ReportRun): string {
  return `${dataLabel(config.data.name)}, ${grouped(result!.data?.train)} training images`;
}

/** Runs that met the criterion that most of them stop by; what is left out is told. */
function sameStop(runs: readonly ReportRun[], notes: string[]): ReportRun[] {
  const fitted = runs.filter(({ result }) => result!.outcome === 'fitted');
  const byStop = [...groupBy(fitted, ({ config }) => canonicalJson([config.train.stop])).values()];
  const [same = []] = byStop.toSorted((a, b) => b.length - a.length);
  const unfitted = runs.length - fitted.length;
  const otherwise = fitted.length - same.length;
  if (unfitted > 0) {
    notes.push(
      `${counted(unfitted, 'measured run')} left out: not stopped by train.stop, and so not comparable.`,
    );
  }
  if (otherwise > 0)
    notes.push(`${counted(otherwise, 'measured run')} left out: another train.stop.`);
  return same;
}

/** Measure and gap of the runs that have both. */
export function pairsOf(name: MeasureName, runs: readonly ReportRun[]): Pairs {
  return runs.flatMap(({ result }) => {
    const [x, y] = [result?.measures?.[name], result?.last?.generalization_gap];
    return typeof x === 'number' && typeof y === 'number' ? [[x, y] as const] : [];
  });
}

function correlation(
  name: MeasureName,
  runs: readonly ReportRun[],
  flats: ReadonlyMap<ReportRun, FlatConfig>,
  keys: readonly string[],
): Correlation {
  const pairs = pairsOf(name, runs);
  const psi = Object.fromEntries(
    keys.map((key) => {
      // Seeds, too, are alike in those that are compared.
      const others = (run: ReportRun) => {
        const flat = [...flats.get(run)!].filter(([other]) => !other.startsWith(key));
        return canonicalJson(Object.fromEntries(flat.filter(([other]) => !isOwn(other))));
      };
      const groups = [...groupBy(runs, others).values()];
      return [key, granulatedKendall(groups.map((group) => pairsOf(name, group)))];
    }),
  );
  return { tau: kendallTauB(pairs), n: pairs.length, psi, meanPsi: meanOf(Object.values(psi)) };
}

/** What tells runs apart and decides no number. */
const isOwn = (key: string) =>
  key === 'name' || key.startsWith('record') || key.startsWith('seeds');
