import { CORRUPTIONS, corruptedShare } from '../config/corruptions.js';
import { FITTED_ACCURACY } from '../paper.js';
import type { TheoryResult } from '../results/theory.js';
import { grouped } from '../text.js';
import { corruptionLabel, modelLabel, PAPER_CORRUPTIONS } from './describe.js';
import { type ShareLine, shareFamilies, shareOf } from './figures/against-p.js';
import { failedToFit, fitTimes, stopsEarly } from './fit.js';
import { families, type Group, groupBy, spread } from './groups.js';
import { lastRow, type ReportRun } from './runs.js';

/** Something the paper says, and what these runs say to it, at whatever scale they are. */
export interface Claim {
  claim: string;
  seen: 'yes' | 'partly' | 'no' | 'not run';
  /** What was counted or compared. */
  evidence: string;
}

/** Standard deviations of a guesser's accuracy within which a test accuracy is called chance. */
const CHANCE_SIGMAS = 4;

/** The paper's claims, in its order. */
export function judgeClaims(groups: readonly Group[], runs: readonly ReportRun[]): Claim[] {
  const theory = runs.map((run) => run.theory).filter((result) => result !== null);
  return [
    fitsEverything(groups),
    guessesOnRandomLabels(groups),
    takesLonger(groups),
    losesGradually(groups),
    pixelsBeforeLabels(groups),
    normalizationHelps(groups),
    theorem1(theory),
    minimumNorm(theory),
    vacuousBounds(theory),
  ];
}

/** Of comparisons that could be made: all, some or none came out as the paper says. */
function verdict(claim: string, outcomes: { holds: boolean; told: string }[]): Claim {
  if (outcomes.length === 0) return { claim, seen: 'not run', evidence: '' };
  const holding = outcomes.filter(({ holds }) => holds).length;
  const seen = holding === outcomes.length ? 'yes' : holding === 0 ? 'no' : 'partly';
  // What speaks against a claim comes first.
  const told = outcomes.toSorted((a, b) => Number(a.holds) - Number(b.holds)).map((o) => o.told);
  const MOST = 6;
  const more = told.length > MOST ? [`and ${told.length - MOST} more`] : [];
  return { claim, seen, evidence: [...told.slice(0, MOST), ...more].join('; ') };
}

function fitsEverything(groups: readonly Group[]): Claim {
  const claim = `Networks fit true labels, random labels and corrupted pixels alike (${FITTED_ACCURACY * 100} % of the training set or more).`;
  const paper = groups.filter(
    ({ config }) =>
      PAPER_CORRUPTIONS.includes(corruptionLabel(config.corruption)) && config.loss === undefined,
  );
  return verdict(
    claim,
    paper.flatMap((group) => {
      const known = group.runs.map(failedToFit).filter((failed) => failed !== null);
      const fitted = known.filter((failed) => !failed).length;
      if (known.length === 0) return [];
      const what = `${modelLabel(group.config.model)}, ${corruptionLabel(group.config.corruption)}`;
      return [{ holds: fitted === known.length, told: `${what}: ${fitted} of ${known.length}` }];
    }),
  );
}

function guessesOnRandomLabels(groups: readonly Group[]): Claim {
  const random = groups.filter(({ config }) => corruptedShare(config.corruption) === 1);
  return verdict(
    'Trained on random labels, they are right on test images as often as a guess.',
    random.flatMap(({ config, runs }) => {
      const ended = runs.map(({ result }) => result).filter((result) => result?.last);
      const mean = spread(ended.map((result) => result!.last!.test_accuracy))?.mean;
      if (mean === undefined) return [];
      const { classes, test } = ended[0]!.data;
      const guess = 1 / classes;
      const sigma = Math.sqrt((guess * (1 - guess)) / (test * ended.length));
      const told = `${modelLabel(config.model)}: ${percent(mean)} (chance ${percent(guess)})`;
      return [{ holds: Math.abs(mean - guess) <= CHANCE_SIGMAS * sigma, told }];
    }),
  );
}

function takesLonger(groups: readonly Group[]): Claim {
  return verdict(
    'Fitting takes longer the more labels are corrupted, but only by a small factor.',
    shareLines(groups).flatMap((line) => {
      const times = line.groups.map((group) => spread(fitTimes(group).map(({ step }) => step)));
      if (times.some((time) => time === null)) return [];
      const growth = times.at(-1)!.mean / times[0]!.mean;
      const resolution = Math.max(...line.groups.flatMap(fitTimes).map((time) => time.resolution));
      const grows =
        rises(
          times.map((time) => time!.mean),
          resolution,
        ) && growth > 1;
      return [{ holds: grows, told: `${line.label}: ${growth.toFixed(2)} × at ${span(line)}` }];
    }),
  );
}

function losesGradually(groups: readonly Group[]): Claim {
  return verdict(
    'Test error grows steadily with the share of corrupted labels.',
    shareLines(groups.filter((group) => !stopsEarly(group))).flatMap((line) => {
      const errors = line.groups.map((group) =>
        spread(group.runs.map((run) => lastRow(run)).map((row) => row && 1 - row.test_accuracy)),
      );
      if (errors.some((error) => error === null)) return [];
      const [first, last] = [errors[0]!, errors.at(-1)!];
      const noise = Math.max(...errors.map((error) => error!.high - error!.low));
      const holds =
        rises(
          errors.map((error) => error!.mean),
          noise,
        ) && last.mean > first.mean;
      return [
        {
          holds,
          told: `${line.label}: ${percent(first.mean)} to ${percent(last.mean)} at ${span(line)}`,
        },
      ];
    }),
  );
}

/** One line for each network, that with the most runs: other tables' pairs of runs would outvote a curve with seeds. */
function shareLines(groups: readonly Group[]): ShareLine[] {
  const runs = (line: ShareLine) => line.groups.reduce((sum, group) => sum + group.runs.length, 0);
  const network = (line: ShareLine) => modelLabel(line.groups[0]!.config.model);
  return [...groupBy(shareFamilies(groups).flat(), network).values()].map((lines) =>
    lines.reduce((most, line) => (runs(line) > runs(most) ? line : most)),
  );
}

function span({ groups }: ShareLine): string {
  return `p = ${shareOf(groups[0]!)} … ${shareOf(groups.at(-1)!)}`;
}

function rises(values: number[], slack: number): boolean {
  return values.every((value, i) => i === 0 || value >= values[i - 1]! - slack);
}

function pixelsBeforeLabels(groups: readonly Group[]): Claim {
  const timeOf = (family: Group[], { label }: { label: string }) => {
    const group = family.find(({ config }) => corruptionLabel(config.corruption) === label);
    return group && spread(fitTimes(group).map(({ step }) => step))?.mean;
  };
  return verdict(
    'Random pixels and Gaussian noise are fitted sooner than random labels.',
    families(groups, ['corruption']).flatMap((family) => {
      const labels = timeOf(family, CORRUPTIONS['random-labels']);
      return [CORRUPTIONS['random-pixels'], CORRUPTIONS.gaussian].flatMap((row) => {
        const pixels = timeOf(family, row);
        if (labels === undefined || pixels === undefined) return [];
        const steps = `${Math.round(pixels)} steps, random labels ${Math.round(labels)}`;
        const told = `${modelLabel(family[0]!.config.model)}, ${row.label}: ${steps}`;
        return [{ holds: pixels < labels, told }];
      });
    }),
  );
}

function normalizationHelps(groups: readonly Group[]): Claim {
  const clean = groups.filter(
    ({ config }) => config.model.name === 'inception' && config.corruption.length === 0,
  );
  return verdict(
    'BatchNorm makes training stabler and adds 3 to 4 points of test accuracy.',
    families(clean, ['batchNorm']).flatMap((family) => {
      const end = (batchNorm: boolean) =>
        spread(
          family
            .filter(({ config }) => config.model.batchNorm === batchNorm)
            .flatMap(({ runs }) => runs.map((run) => lastRow(run)?.test_accuracy)),
        )?.mean;
      const [on, off] = [end(true), end(false)];
      if (on === undefined || off === undefined) return [];
      return [{ holds: on > off, told: `with ${percent(on)}, without ${percent(off)}` }];
    }),
  );
}

function theorem1(results: readonly TheoryResult[]): Claim {
  return verdict(
    'A two-layer ReLU network with 2n + d weights fits any labels of n points in d dimensions (Theorem 1).',
    results.flatMap((r) => {
      if (r.experiment !== 'theorem1') return [];
      const told = `${grouped(r.fitted)} of ${grouped(r.n)} fitted with ${grouped(r.weights)} weights, depth ${r.depth}`;
      const expected = r.depth !== 2 || r.weights <= 2 * r.n + r.dimension;
      return [{ holds: r.fitted === r.n && expected, told }];
    }),
  );
}

/** Distance at which SGD counts as having reached its limit. */
const NEAR = 0.1;

function minimumNorm(results: readonly TheoryResult[]): Claim {
  return verdict(
    'SGD from zero on a linear model goes to the solution of minimum norm.',
    results.flatMap((r) => {
      if (r.experiment !== 'linear') return [];
      const told = `relative distance ${r.relative_distance.toPrecision(3)} after ${grouped(r.steps)} steps, ${r.outside_span.toExponential(1)} of w outside the span`;
      return [{ holds: r.relative_distance <= NEAR, told }];
    }),
  );
}

function vacuousBounds(results: readonly TheoryResult[]): Claim {
  return verdict(
    'The networks fit random signs, so that Rademacher bounds say nothing.',
    results.flatMap((r) => {
      if (r.experiment !== 'rademacher') return [];
      const told = `correlation ${r.correlation.toFixed(3)} over ${r.draws} draws, bound on the gap ${r.gap_bound.toFixed(2)}`;
      return [{ holds: r.vacuous, told }];
    }),
  );
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
