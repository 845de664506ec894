import { CORRUPTIONS, corruptedShare, effective } from '../config/corruptions.js';
import type { Config } from '../config/resolve.js';
import {
  BATCH_NORM_GAIN,
  byChance,
  FITTED_ACCURACY,
  LEAST_EPOCHS,
  MEMORIZED_ACCURACY,
  MOST_TIMES_AS_LONG,
  TABLE_4,
  TOLERANCE,
} from '../paper.js';
import { type ClaimOutcome, theoryClaims } from '../results/theory.js';
import { sampleText } from './conditions.js';
import {
  corruptionLabel,
  isSmallInception,
  modelLabel,
  PAPER_CORRUPTIONS,
  paperNetwork,
  paperRegularizers,
  regularizerLabel,
} from './describe.js';
import { type ShareLine, shareFamilies, shareOf } from './figures/against-p.js';
import { failedToFit, type GroupTime, stopsEarly, timeToFit } from './fit.js';
import { families, type Group, groupBy, groupRuns, type Spread, spread } from './groups.js';
import { lastRow, type ReportRun, testError } from './runs.js';
import { hasEnded } from './tables/comparability.js';
import { namedApart } from './tell-apart.js';

/** Something the paper says, and what these runs say to it, at whatever scale they are. */
export interface Claim {
  claim: string;
  seen: 'yes' | 'partly' | 'no' | 'not run';
  /** What was counted or compared, and what of it says nothing. */
  evidence: string;
}

interface TrainingClaim {
  claim: string;
  /** Whether a training is one that the claim is about. */
  concerns: (group: Group) => boolean;
  /** Why a run that has ended says nothing to it; `null`: it does. */
  unheard?: (run: ReportRun) => string | null;
  /** @param groups Of runs that are heard. */
  judge: (groups: readonly Group[]) => ClaimOutcome[];
}

/** The paper's claims, in its order. */
export function judgeClaims(groups: readonly Group[], runs: readonly ReportRun[]): Claim[] {
  const theory = groupRuns(runs).flatMap((group) => group.runs.flatMap((run) => run.theory ?? []));
  return [
    ...CLAIMS.map((claim) => judged(claim, groups)),
    ...theoryClaims(theory).map(({ claim, outcomes }) => verdict(claim, outcomes, [])),
  ];
}

const isUnfitted = (run: ReportRun) =>
  (lastRow(run)?.train_accuracy ?? 0) < MEMORIZED_ACCURACY
    ? `not fitted to ${MEMORIZED_ACCURACY * 100} %`
    : null;
const endsEarly = (run: ReportRun) =>
  run.result?.outcome === 'fitted' ? 'ended when all was fitted' : null;
const hasShare = ({ config }: Group) => corruptedShare(config.corruption) !== null;
const comparesNormalization = ({ config }: Group) =>
  isSmallInception(config.model) && effective(config.corruption).length === 0;

const CLAIMS: TrainingClaim[] = [
  {
    claim: `Networks fit true labels, random labels and corrupted pixels alike (${FITTED_ACCURACY * 100} % of the training set or more).`,
    concerns: ({ config }) =>
      PAPER_CORRUPTIONS.includes(corruptionLabel(config.corruption)) &&
      config.loss === undefined &&
      !failsInThePaper(config),
    judge: fitsEverything,
  },
  {
    claim: 'Trained on random labels, they are right on test images as often as a guess.',
    concerns: ({ config }) => corruptedShare(config.corruption) === 1,
    // A network that has learned nothing guesses as well.
    unheard: isUnfitted,
    judge: guessesOnRandomLabels,
  },
  {
    claim: `Fitting takes longer the more labels are corrupted, but only by a small factor (at most ${MOST_TIMES_AS_LONG} times as long).`,
    concerns: hasShare,
    judge: takesLonger,
  },
  {
    claim: 'Test error grows steadily with the share of corrupted labels.',
    concerns: (group) => hasShare(group) && !stopsEarly(group),
    judge: losesGradually,
  },
  {
    claim: 'Random pixels and Gaussian noise are fitted sooner than random labels.',
    concerns: ({ config }) => BEFORE_LABELS.includes(corruptionLabel(config.corruption)),
    judge: pixelsBeforeLabels,
  },
  {
    claim: `BatchNorm adds ${BATCH_NORM_GAIN.least} to ${BATCH_NORM_GAIN.most} points of test accuracy (±${TOLERANCE}).`,
    concerns: comparesNormalization,
    unheard: endsEarly,
    judge: normalizationHelps,
  },
  {
    claim:
      'BatchNorm makes training stabler: test accuracy moves less from one evaluation to the next.',
    concerns: comparesNormalization,
    judge: normalizationSteadies,
  },
];

function judged({ claim, concerns, unheard, judge }: TrainingClaim, groups: readonly Group[]) {
  const left: string[] = [];
  const why = (run: ReportRun) => unweighed(run) ?? unheard?.(run) ?? null;
  const heard = groups.filter(concerns).flatMap(({ config, runs }) => {
    left.push(...runs.map(why).filter((reason) => reason !== null));
    const weighed = runs.filter((run) => why(run) === null);
    return weighed.length === 0 ? [] : [{ config, runs: weighed }];
  });
  return verdict(claim, judge(heard), left);
}

/** Why no claim can hear a run: it isn't at its end, or was too short to have shown what it can. */
function unweighed(run: ReportRun): string | null {
  if (!hasEnded(run)) return run.state;
  const { result } = run;
  if (result === null) return 'without a result';
  const isShort = result.outcome !== 'diverged' && (result.epochs ?? 0) < LEAST_EPOCHS;
  return isShort && failedToFit(run) !== false
    ? `not fitted in under ${LEAST_EPOCHS} epochs`
    : null;
}

/** Of comparisons that could be made: all, some or none came out as the paper says. */
function verdict(claim: string, outcomes: ClaimOutcome[], left: readonly string[]): Claim {
  const heard = outcomes.filter(({ holds }) => holds !== null);
  const holding = heard.filter(({ holds }) => holds).length;
  const all = holding === heard.length ? 'yes' : holding === 0 ? 'no' : 'partly';
  // What speaks against a claim comes first.
  const told = heard.toSorted((a, b) => Number(a.holds) - Number(b.holds)).map((o) => o.told);
  const MOST = 6;
  const more = told.length > MOST ? [`and ${told.length - MOST} more`] : [];
  const reasons = [...groupBy(left, (reason) => reason)].map(
    ([reason, runs]) => `${runs.length} ${reason}`,
  );
  const silent = [...outcomes.filter(({ holds }) => holds === null).map((o) => o.told), ...reasons];
  const unheard = silent.length === 0 ? [] : [`not weighed: ${silent.join(', ')}`];
  return {
    claim,
    seen: heard.length === 0 ? 'not run' : all,
    evidence: [...told.slice(0, MOST), ...more, ...unheard].join('; '),
  };
}

/** Whether a training is one that fails in the paper, too: AlexNet on random labels with weight decay. */
function failsInThePaper({ model, regularization, corruption }: Group['config']): boolean {
  const [network, regularizers] = [paperNetwork(model), paperRegularizers(regularization)];
  return TABLE_4.some(
    (cell) =>
      cell.train === null &&
      cell.network === network &&
      cell.regularizers === regularizers &&
      corruptedShare(corruption) === 1,
  );
}

/** The network of each group, and what it was regularized with. */
function trained(groups: readonly Group[], more: (config: Config) => readonly string[] = () => []) {
  const isPlain = ({ regularization }: Config) => paperRegularizers(regularization) === 'none';
  const regularizers = (c: Config) => (isPlain(c) ? [] : [regularizerLabel(c.regularization)]);
  return namedApart(
    groups.map(({ config }) => config),
    (config) => [modelLabel(config.model), ...regularizers(config), ...more(config)].join(', '),
  );
}

function fitsEverything(groups: readonly Group[]): ClaimOutcome[] {
  const names = trained(groups, ({ corruption }) => [corruptionLabel(corruption)]);
  return groups.map(({ runs }, i) => {
    const fitted = runs.filter((run) => failedToFit(run) === false).length;
    const told = `${names[i]}: ${fitted} of ${runs.length} (${sampleText(runs)})`;
    return { holds: fitted === runs.length, told };
  });
}

function guessesOnRandomLabels(groups: readonly Group[]): ClaimOutcome[] {
  const names = trained(groups);
  return groups.flatMap(({ runs }, i) => {
    const ended = runs.map(({ result }) => result).filter((result) => result?.last);
    const mean = spread(ended.map((result) => result!.last!.test_accuracy))?.mean;
    const { classes, test } = ended[0]?.data ?? {};
    if (mean === undefined || !classes || !test) return [];
    const against = `${percent(mean)} (chance ${percent(1 / classes)}; ${sampleText(runs)})`;
    const told = `${names[i]}: ${against}`;
    return [{ holds: byChance(mean, classes, test * ended.length), told }];
  });
}

function takesLonger(groups: readonly Group[]): ClaimOutcome[] {
  return shareLines(groups).flatMap((line): ClaimOutcome[] => {
    const times = line.groups.map(timeToFit);
    const [base] = times;
    // A factor is one of the time that true labels take.
    if (base?.mean == null || shareOf(line.groups[0]!) !== 0) return [];
    const unit = base.mean;
    const most = Math.max(...times.map(({ least }) => least / unit));
    const slowest = Math.max(...times.map(({ mean, least }) => mean ?? least)) / unit;
    const failed = times.some(({ mean }) => mean === null);
    const isMore = failed ? 'at least ' : '';
    const told = tellLine(line, `${isMore}${slowest.toFixed(2)} ×`);
    if (most > MOST_TIMES_AS_LONG) return [{ holds: false, told }];
    if (failed) return [{ holds: null, told: `${told}, not all fitted` }];
    const rises = isRising(times, ({ resolution }) => resolution);
    return [{ holds: rises && times.at(-1)!.mean! > unit, told }];
  });
}

function losesGradually(groups: readonly Group[]): ClaimOutcome[] {
  return shareLines(groups).flatMap((line) => {
    const errors = line.groups.map((group) => spread(group.runs.map(testError)));
    const known = errors.filter((error) => error !== null);
    if (known.length < errors.length) return [];
    const [first, last] = [known[0]!.mean, known.at(-1)!.mean];
    const rises = isRising<Spread>(known, ({ low, high }) => high - low);
    const told = tellLine(line, `${percent(first)} to ${percent(last)}`);
    return [{ holds: rises && last > first, told }];
  });
}

/** Whether means grow from each point to the next, give or take what the two are known by. */
function isRising<T extends { mean: number | null }>(points: T[], slack: (point: T) => number) {
  return points.every((point, i) => {
    const before = points[i - 1];
    if (before === undefined) return true;
    return point.mean! >= before.mean! - Math.max(slack(point), slack(before));
  });
}

function tellLine({ label, groups }: ShareLine, what: string): string {
  const span = `p = ${shareOf(groups[0]!)} … ${shareOf(groups.at(-1)!)}`;
  return `${label}: ${what} at ${span} (${seedsText(groups)})`;
}

/** `n = 2,000, 3 seeds each`; where groups have different numbers of seeds: `1 to 3 seeds each`. */
function seedsText(groups: readonly Group[]): string {
  const counts = groups.map(({ runs }) => runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const text = sampleText(groups.find(({ runs }) => runs.length === most)!.runs);
  return least === most
    ? `${text} each`
    : text.replace(/\d+ seeds?$/, `${least} to ${most} seeds each`);
}

/** One line for each network, that with the most runs: other tables' pairs of runs would outvote a curve with seeds. */
function shareLines(groups: readonly Group[]): ShareLine[] {
  const runs = (line: ShareLine) => line.groups.reduce((sum, group) => sum + group.runs.length, 0);
  const network = (line: ShareLine) => modelLabel(line.groups[0]!.config.model);
  return [...groupBy(shareFamilies(groups).flat(), network).values()].map((lines) =>
    lines.reduce((most, line) => (runs(line) > runs(most) ? line : most)),
  );
}

const PIXELS = [CORRUPTIONS['random-pixels'].label, CORRUPTIONS.gaussian.label];
const LABELS = CORRUPTIONS['random-labels'].label;
const BEFORE_LABELS = [...PIXELS, LABELS];

function pixelsBeforeLabels(groups: readonly Group[]): ClaimOutcome[] {
  return families(groups, ['corruption']).flatMap((family) => {
    const of = (label: string) =>
      family.find(({ config }) => corruptionLabel(config.corruption) === label);
    const labels = of(LABELS);
    return PIXELS.flatMap((label): ClaimOutcome[] => {
      const pixels = of(label);
      if (labels === undefined || pixels === undefined) return [];
      const [a, b] = [timeToFit(pixels), timeToFit(labels)];
      const steps = `${stepsText(a)}, ${LABELS} ${stepsText(b)}`;
      const what = `${modelLabel(pixels.config.model)}, ${label}`;
      const told = `${what}: ${steps} (${seedsText([pixels, labels])})`;
      // What has never been fitted took longer than it was trained for.
      if (a.mean !== null) return [{ holds: a.mean < (b.mean ?? b.least), told }];
      return [{ holds: b.mean !== null && a.least >= b.mean ? false : null, told }];
    });
  });
}

function stepsText({ mean, least }: GroupTime): string {
  return mean === null ? `not fitted in ${Math.round(least)} steps` : `${Math.round(mean)} steps`;
}

function normalizationHelps(groups: readonly Group[]): ClaimOutcome[] {
  const { least, most } = BATCH_NORM_GAIN;
  return withAndWithout(
    groups,
    (run) => lastRow(run)?.test_accuracy,
    (on, off, sample) => {
      const points = 100 * (on - off);
      const told = `${points.toFixed(1)} points: with ${percent(on)}, without ${percent(off)} (${sample})`;
      return { holds: points >= least - TOLERANCE && points <= most + TOLERANCE, told };
    },
  );
}

function normalizationSteadies(groups: readonly Group[]): ClaimOutcome[] {
  return withAndWithout(groups, unsteadiness, (on, off, sample) => {
    const told = `by ${(100 * on).toFixed(2)} points with, ${(100 * off).toFixed(2)} without (${sample})`;
    return { holds: on < off, told };
  });
}

/** Mean change of the test accuracy from one evaluation to the next. */
function unsteadiness({ metrics }: ReportRun): number | undefined {
  const accuracies = metrics.flatMap(({ test_accuracy }) => test_accuracy ?? []);
  const changes = accuracies.slice(1).map((value, i) => Math.abs(value - accuracies[i]!));
  return spread(changes)?.mean;
}

/** Compares the seeds' mean of a number with BatchNorm and without it, wherever both were trained. */
function withAndWithout(
  groups: readonly Group[],
  value: (run: ReportRun) => number | undefined,
  compare: (on: number, off: number, sample: string) => ClaimOutcome,
): ClaimOutcome[] {
  return families(groups, ['batchNorm']).flatMap((family) => {
    const those = [true, false].flatMap(
      (batchNorm) => family.find(({ config }) => config.model.batchNorm === batchNorm) ?? [],
    );
    const [on, off] = those.map(({ runs }) => spread(runs.map(value))?.mean);
    if (on === undefined || off === undefined) return [];
    return [compare(on, off, seedsText(those))];
  });
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
