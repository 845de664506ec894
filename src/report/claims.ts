import { CORRUPTIONS, corruptedShare } from '../config/corruptions.js';
import { byChance, FITTED_ACCURACY } from '../paper.js';
import { theoryClaims } from '../results/theory.js';
import { corruptionLabel, isSmallInception, modelLabel, PAPER_CORRUPTIONS } from './describe.js';
import { type ShareLine, shareFamilies, shareOf } from './figures/against-p.js';
import { failedToFit, fitTimes, stopsEarly } from './fit.js';
import { families, type Group, groupBy, spread } from './groups.js';
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
    fitsEverything(groups),
    guessesOnRandomLabels(groups),
    takesLonger(groups),
    losesGradually(groups),
    pixelsBeforeLabels(groups),
    normalizationHelps(groups),
    ...theoryClaims(theory).map(({ claim, outcomes }) => verdict(claim, outcomes)),
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
      const { classes, test } = ended[0]?.data ?? {};
      if (!classes || !test) return [];
      const told = `${modelLabel(config.model)}: ${percent(mean)} (chance ${percent(1 / classes)})`;
      return [{ holds: byChance(mean, classes, test * ended.length), told }];
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
      const errors = line.groups.map((group) => spread(group.runs.map(testError)));
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
    ({ config }) => isSmallInception(config.model) && config.corruption.length === 0,
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

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
