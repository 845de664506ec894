import { CORRUPTIONS, corruptedShare } from '../config/corruptions.js';
import { byChance, FITTED_ACCURACY } from '../paper.js';
import { type ClaimOutcome, theoryClaims } from '../results/theory.js';
import { corruptionLabel, isSmallInception, modelLabel, PAPER_CORRUPTIONS } from './describe.js';
import { type ShareLine, shareFamilies, shareOf } from './figures/against-p.js';
import { failedToFit, fitTimes, stopsEarly } from './fit.js';
import { families, type Group, groupBy, type Spread, spread } from './groups.js';
import { lastRow, type ReportRun, testError } from './runs.js';

/** Something the paper says, and what these runs say to it, at whatever scale they are. */
export interface Claim {
  claim: string;
  seen: 'yes' | 'partly' | 'no' | 'not run';
  /** What was counted or compared. */
  evidence: string;
}

/** The paper's claims, in its order. */
export function judgeClaims(groups: readonly Group[], runs: readonly ReportRun[]): Claim[] {
  const theory = runs.map((run) => run.theory).filter((result) => result !== null);
  return [
    ...CLAIMS.map(([claim, judge]) => verdict(claim, judge(groups))),
    ...theoryClaims(theory).map(({ claim, outcomes }) => verdict(claim, outcomes)),
  ];
}

const CLAIMS: [claim: string, judge: (groups: readonly Group[]) => ClaimOutcome[]][] = [
  [
    `Networks fit true labels, random labels and corrupted pixels alike (${FITTED_ACCURACY * 100} % of the training set or more).`,
    fitsEverything,
  ],
  [
    'Trained on random labels, they are right on test images as often as a guess.',
    guessesOnRandomLabels,
  ],
  ['Fitting takes longer the more labels are corrupted, but only by a small factor.', takesLonger],
  ['Test error grows steadily with the share of corrupted labels.', losesGradually],
  ['Random pixels and Gaussian noise are fitted sooner than random labels.', pixelsBeforeLabels],
  ['BatchNorm makes training stabler and adds 3 to 4 points of test accuracy.', normalizationHelps],
];

/** Of comparisons that could be made: all, some or none came out as the paper says. */
function verdict(claim: string, outcomes: ClaimOutcome[]): Claim {
  if (outcomes.length === 0) return { claim, seen: 'not run', evidence: '' };
  const holding = outcomes.filter(({ holds }) => holds).length;
  const seen = holding === outcomes.length ? 'yes' : holding === 0 ? 'no' : 'partly';
  // What speaks against a claim comes first.
  const told = outcomes.toSorted((a, b) => Number(a.holds) - Number(b.holds)).map((o) => o.told);
  const MOST = 6;
  const more = told.length > MOST ? [`and ${told.length - MOST} more`] : [];
  return { claim, seen, evidence: [...told.slice(0, MOST), ...more].join('; ') };
}

function fitsEverything(groups: readonly Group[]): ClaimOutcome[] {
  return groups.flatMap(({ config, runs }) => {
    const corruption = corruptionLabel(config.corruption);
    if (!PAPER_CORRUPTIONS.includes(corruption) || config.loss !== undefined) return [];
    const known = runs.map(failedToFit).filter((failed) => failed !== null);
    const fitted = known.filter((failed) => !failed).length;
    if (known.length === 0) return [];
    const told = `${modelLabel(config.model)}, ${corruption}: ${fitted} of ${known.length}`;
    return [{ holds: fitted === known.length, told }];
  });
}

function guessesOnRandomLabels(groups: readonly Group[]): ClaimOutcome[] {
  return groups.flatMap(({ config, runs }) => {
    if (corruptedShare(config.corruption) !== 1) return [];
    const ended = runs.map(({ result }) => result).filter((result) => result?.last);
    const mean = spread(ended.map((result) => result!.last!.test_accuracy))?.mean;
    const { classes, test } = ended[0]?.data ?? {};
    if (mean === undefined || !classes || !test) return [];
    const told = `${modelLabel(config.model)}: ${percent(mean)} (chance ${percent(1 / classes)})`;
    return [{ holds: byChance(mean, classes, test * ended.length), told }];
  });
}

function takesLonger(groups: readonly Group[]): ClaimOutcome[] {
  return shareLines(groups).flatMap((line) => {
    const times = line.groups.map((group) => spread(fitTimes(group).map(({ step }) => step)));
    const slack = Math.max(...line.groups.flatMap(fitTimes).map((time) => time.resolution));
    return growth(line, times, slack, (first, last) => `${(last / first).toFixed(2)} ×`);
  });
}

function losesGradually(groups: readonly Group[]): ClaimOutcome[] {
  return shareLines(groups.filter((group) => !stopsEarly(group))).flatMap((line) => {
    const errors = line.groups.map((group) => spread(group.runs.map(testError)));
    const slack = Math.max(...errors.map((error) => (error ? error.high - error.low : 0)));
    return growth(line, errors, slack, (first, last) => `${percent(first)} to ${percent(last)}`);
  });
}

/** Whether what was measured along a line grows from each point to the next, give or take some slack. */
function growth(
  { label, groups }: ShareLine,
  values: (Spread | null)[],
  slack: number,
  tell: (first: number, last: number) => string,
): ClaimOutcome[] {
  const means = values.flatMap((value) => value?.mean ?? []);
  if (means.length < values.length) return [];
  const [first, last] = [means[0]!, means.at(-1)!];
  const rises = means.every((mean, i) => i === 0 || mean >= means[i - 1]! - slack);
  const span = `p = ${shareOf(groups[0]!)} … ${shareOf(groups.at(-1)!)}`;
  return [{ holds: rises && last > first, told: `${label}: ${tell(first, last)} at ${span}` }];
}

/** One line for each network, that with the most runs: other tables' pairs of runs would outvote a curve with seeds. */
function shareLines(groups: readonly Group[]): ShareLine[] {
  const runs = (line: ShareLine) => line.groups.reduce((sum, group) => sum + group.runs.length, 0);
  const network = (line: ShareLine) => modelLabel(line.groups[0]!.config.model);
  return [...groupBy(shareFamilies(groups).flat(), network).values()].map((lines) =>
    lines.reduce((most, line) => (runs(line) > runs(most) ? line : most)),
  );
}

function pixelsBeforeLabels(groups: readonly Group[]): ClaimOutcome[] {
  const timeOf = (family: Group[], { label }: { label: string }) => {
    const group = family.find(({ config }) => corruptionLabel(config.corruption) === label);
    return group && spread(fitTimes(group).map(({ step }) => step))?.mean;
  };
  return families(groups, ['corruption']).flatMap((family) => {
    const labels = timeOf(family, CORRUPTIONS['random-labels']);
    return [CORRUPTIONS['random-pixels'], CORRUPTIONS.gaussian].flatMap((row) => {
      const pixels = timeOf(family, row);
      if (labels === undefined || pixels === undefined) return [];
      const steps = `${Math.round(pixels)} steps, random labels ${Math.round(labels)}`;
      const told = `${modelLabel(family[0]!.config.model)}, ${row.label}: ${steps}`;
      return [{ holds: pixels < labels, told }];
    });
  });
}

function normalizationHelps(groups: readonly Group[]): ClaimOutcome[] {
  const clean = groups.filter(
    ({ config }) => isSmallInception(config.model) && config.corruption.length === 0,
  );
  return families(clean, ['batchNorm']).flatMap((family) => {
    const end = (batchNorm: boolean) => {
      const those = family.filter(({ config }) => config.model.batchNorm === batchNorm);
      return spread(those.flatMap(({ runs }) => runs.map((run) => lastRow(run)?.test_accuracy)))
        ?.mean;
    };
    const [on, off] = [end(true), end(false)];
    if (on === undefined || off === undefined) return [];
    return [{ holds: on > off, told: `with ${percent(on)}, without ${percent(off)}` }];
  });
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
