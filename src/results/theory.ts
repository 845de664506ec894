import { z } from 'zod';
import type { ExperimentName, TheoryExperiment } from '../config/theory.js';
import { FITTED_ACCURACY, TABLE_3, THEOREM_1 } from '../paper.js';
import { duration, grouped, percent } from '../text.js';
import { SCORES, type ScoreName } from './examples.js';
import {
  CONDITIONS,
  type Findings,
  KERNELS,
  LINEAR,
  MEMORIZATION,
  RADEMACHER,
  THEOREM1,
  type TheoryConditions,
} from './findings.js';
import { keep, type Stored } from './stored.js';
import type { RunResult } from './training.js';

type FindingsOf<E extends TheoryExperiment> = Extract<Findings, { experiment: E }>;

const NEEDED = ['experiment', 'outcome'] as const;
type Needed = (typeof NEEDED)[number];

/** `result.json` of one experiment as it is read back: of this version's own, all is there. */
export type ResultOf<E extends TheoryExperiment> = Stored<TheoryConditions & FindingsOf<E>, Needed>;

/** What comes of an experiment: a training's numbers, or one of the theory's findings. */
export type ExperimentResult<E extends ExperimentName> = E extends TheoryExperiment
  ? ResultOf<E>
  : RunResult;

/** `result.json` of an experiment of the theory. */
export type TheoryResult = { [E in TheoryExperiment]: ResultOf<E> }[TheoryExperiment];

/** Tells the two kinds of results apart. */
export function isTheoryResult(result: RunResult | TheoryResult): result is TheoryResult {
  return 'experiment' in result;
}

/** A finding for people: what, what the paper says of it, what was measured. */
export type Line = [what: string, paper: string, measured: string];

/** Whether one comparison came out as the paper says; `null`: it can't say anything, and why is told. */
export interface ClaimOutcome {
  holds: boolean | null;
  told: string;
}

/** Something the paper says, and whether a result bears it out. */
interface TheoryClaim<E extends TheoryExperiment> {
  says: string;
  /** `null` where the result lacks a number for it. */
  judge(result: ResultOf<E>): ClaimOutcome | null;
}

interface TheoryRow<E extends TheoryExperiment> {
  /** Of `result.json`, beside the conditions. */
  findings: z.core.$ZodLooseShape & { experiment: z.ZodLiteral<E> };
  title: string;
  lines(result: ResultOf<E>): Line[];
  claim: TheoryClaim<E> | null;
}

/** Distance at which SGD counts as having reached its limit, and residual from which on it is near any. */
const NEAR = 0.1;
const INTERPOLATES = 0.01;

/** Correlation with random signs from which on they are fitted: that of the accuracy at which labels are. */
const FITTED_CORRELATION = 2 * FITTED_ACCURACY - 1;

const THEORY: { [E in TheoryExperiment]: TheoryRow<E> } = {
  theorem1: {
    findings: THEOREM1,
    title: 'Theorem 1',
    lines: (r) => [
      ['images fitted', grouped(r.n), grouped(r.fitted)],
      [
        'weights',
        r.depth === 2 ? grouped(theorem1Weights(r)) : `O(n + d), d = ${grouped(r.dimension)}`,
        grouped(r.weights),
      ],
      ['depth', plain(r.depth), plain(r.depth)],
      ['width', r.depth === 2 ? grouped(r.n) : 'O(n/depth)', grouped(r.width)],
      ['largest error (a label is missed from 0.5 on)', '0', short(r.max_error)],
      ['smallest gap of two projections', '> 0', short(r.min_gap)],
      ['smallest eigenvalue (Lemma 1)', '> 0', short(r.min_eigenvalue)],
      ['largest weight', '–', short(r.max_weight)],
      ['condition number', '–', short(r.condition)],
      ['test accuracy', '–', percent(r.test_accuracy)],
      ['building it', '–', duration(r.build_seconds)],
    ],
    claim: {
      says: 'A two-layer ReLU network with 2n + d weights fits any labels of n points in d dimensions (Theorem 1).',
      judge(r) {
        const most = theorem1Weights(r);
        if (r.fitted === undefined || r.weights === undefined || most === undefined) return null;
        const told = `${grouped(r.fitted)} of ${grouped(r.n)} fitted with ${grouped(r.weights)} weights, depth ${plain(r.depth)}`;
        // The theorem is of two layers; deeper ones are its corollary.
        return { holds: r.depth === 2 ? r.fitted === r.n && r.weights <= most : null, told };
      },
    },
  },
  kernels: {
    findings: KERNELS,
    title: 'minimum-norm kernel',
    lines: (r) => [
      ['test error', paperError(r), percent(r.test_error)],
      ['training error', (r.ridge ?? 0) > 0 ? '–' : percent(0), percent(r.train_error)],
      ['relative residual', '–', short(r.relative_residual)],
      ['norm', '–', short(r.norm)],
      [
        'features',
        '–',
        `${plain(r.features)} (${grouped(r.feature_count)}${r.filters ? `, ${grouped(r.filters)} filters` : ''})`,
      ],
      ['bandwidth / median squared distance', '–', plain(r.bandwidth_fraction)],
      ['ridge', '–', plain(r.ridge)],
      ['features, solving', '–', `${duration(r.feature_seconds)}, ${duration(r.solve_seconds)}`],
    ],
    claim: null,
  },
  rademacher: {
    findings: RADEMACHER,
    title: 'random signs',
    lines: (r) => [
      ['correlation with random signs, mean', '≈ 1', fixed(r.correlation)],
      ['the smallest of all draws', '–', fixed(r.correlation_min)],
      ['draws', '–', grouped(r.draws)],
      ['bound on the test error above the training error', '≥ 1', fixed(r.gap_bound)],
      [
        'says something (chance is 0.5)',
        'no',
        answer(r.vacuous === undefined ? undefined : !r.vacuous),
      ],
      ['linear functions of norm 1: complexity', '–', short(r.linear_complexity)],
      ['… and the bound on it', '–', short(r.linear_complexity_bound)],
      ['… vacuous from this norm on', '–', short(r.linear_vacuous_norm)],
    ],
    claim: {
      says: 'The networks fit random signs, so that Rademacher bounds say nothing.',
      judge(r) {
        if (r.vacuous === undefined || r.correlation === undefined) return null;
        const told = `correlation ${fixed(r.correlation)} over ${grouped(r.draws)} draws, bound on the gap ${fixed(r.gap_bound)}, n = ${grouped(r.n)}`;
        // Of few images any bound says nothing, whatever was fitted.
        return { holds: r.vacuous && r.correlation >= FITTED_CORRELATION, told };
      },
    },
  },
  linear: {
    findings: LINEAR,
    title: 'SGD on a linear model',
    lines: (r) => [
      ['distance to the minimum-norm solution, relative', '→ 0', short(r.relative_distance)],
      ['part of w outside the span of the images', '0', short(r.outside_span)],
      ['residual, relative', '→ 0', short(r.relative_residual)],
      ['norm', short(r.minimum_norm), short(r.norm)],
      ['steps', '–', grouped(r.steps)],
      ['condition number of XXᵀ', '–', short(r.condition)],
      ['train accuracy', percent(1), percent(r.train_accuracy)],
      ['test accuracy', '–', percent(r.test_accuracy)],
    ],
    claim: {
      says: 'SGD from zero on a linear model goes to the solution of minimum norm.',
      judge(r) {
        if (r.relative_distance === undefined) return null;
        const { batch_size, n, relative_residual } = r;
        const told = `relative distance ${short(r.relative_distance)} after ${grouped(r.steps)} steps of ${grouped(batch_size)} of ${grouped(n)} images, ${short(r.outside_span)} of w outside the span`;
        const unheard = (why: string) => ({ holds: null, told: `${told} (${why})` });
        if (batch_size === undefined || n === undefined) return unheard('batch unknown');
        if (batch_size >= n) return unheard('full batch: gradient descent, not SGD');
        if (!((relative_residual ?? 1) <= INTERPOLATES)) {
          return unheard(`does not interpolate yet, residual ${short(relative_residual)}`);
        }
        return { holds: r.relative_distance <= NEAR, told };
      },
    },
  },
  memorization: {
    findings: MEMORIZATION,
    title: 'memorization',
    lines: (r) => [
      ['members, each on this part of the training set', '–', memberCount(r)],
      ['memorization, mean over examples', '–', fixedOrNone(r.memorization_mean)],
      ['… with a changed label', '–', fixedOrNone(r.memorization_mean_changed)],
      ['… with the label as it was', '–', fixedOrNone(r.memorization_mean_unchanged)],
      [`memorized: ${plain(r.memorized_threshold)} or more`, '–', share(r.memorized)],
      ['… with a changed label', '–', share(r.memorized_changed)],
      ['… with the label as it was', '–', share(r.memorized_unchanged)],
      ['standard error, mean', '–', fixedOrNone(r.standard_error_mean)],
      ['finds changed labels: area under the ROC curve', '–', fixedOrNone(r.changed_auroc)],
      ['accuracy on the part trained on', '–', percent(r.train_accuracy)],
      ['accuracy on the rest of the training set', '–', percent(r.held_out_accuracy)],
      ['test accuracy', '–', percent(r.test_accuracy)],
      [
        `pairs of influence ${plain(r.influence_threshold)} or more (by chance)`,
        '–',
        `${grouped(r.influence_pairs)} (${grouped(r.influence_pairs_by_chance)})`,
      ],
      ...correlationLines(r),
    ],
    claim: null,
  },
};

function memberCount({ members, members_diverged, fraction }: ResultOf<'memorization'>): string {
  const beside = members_diverged ? `, ${grouped(members_diverged)} diverged` : '';
  return `${grouped(members)}, ${percent(fraction)}${beside}`;
}

function correlationLines({ correlations }: ResultOf<'memorization'>): Line[] {
  return (correlations ?? []).map(({ score = '', spearman }) => [
    `Spearman's ρ with ${SCORES[score as ScoreName]?.label ?? score}, of one run`,
    '–',
    fixedOrNone(spearman),
  ]);
}

const KEPT = Object.fromEntries(
  Object.entries(THEORY).map(([name, { findings }]) => [
    name,
    keep({ ...CONDITIONS, ...findings }, NEEDED),
  ]),
) as unknown as Record<TheoryExperiment, ReturnType<typeof keep<typeof CONDITIONS, Needed>>>;

/** `result.json` of an experiment of the theory: of one that this version knows. */
export const theoryResultSchema = z
  .looseObject({ experiment: z.enum(Object.keys(THEORY) as TheoryExperiment[]) })
  .transform((result, context) => {
    const parsed = KEPT[result.experiment].schema.safeParse(result);
    if (parsed.success) return parsed.data as unknown as TheoryResult;
    for (const { path, message } of parsed.error.issues)
      context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  });

/** Conditions and findings that a result of this version would have and this one has not. */
export function missingFindings(result: TheoryResult): string[] {
  return KEPT[result.experiment].missing(result);
}

/** @throws TypeError where a finding is unknown or missing: a bug. */
export function writtenTheory(result: TheoryConditions & Findings): TheoryConditions & Findings {
  KEPT[result.experiment].written(result);
  return result;
}

/** Findings that are numbers, and so can be asked about by `--expect`. */
export const THEORY_NUMBERS: readonly string[] = [
  ...new Set(
    Object.values(THEORY).flatMap(({ findings }) =>
      Object.entries(findings).flatMap(([key, of]) => (z.safeParse(of, 1).success ? [key] : [])),
    ),
  ),
  'seconds',
];

/** What an experiment is called in a table. */
export function titleOf({ experiment }: TheoryResult): string {
  return THEORY[experiment].title;
}

/** What an experiment found, line by line, as the command line and the report show it. */
export function linesOf(result: TheoryResult): Line[] {
  return (THEORY[result.experiment] as TheoryRow<TheoryExperiment>).lines(result);
}

/** What the paper says of each experiment, and what each result says to it. */
export function theoryClaims(
  results: readonly TheoryResult[],
): { claim: string; outcomes: ClaimOutcome[] }[] {
  return Object.entries(THEORY).flatMap(([experiment, { claim }]) => {
    if (claim === null) return [];
    const own = results.filter((result) => result.experiment === experiment);
    // Each judges the results of its own experiment alone.
    const judged = own.map((result) => (claim as TheoryClaim<TheoryExperiment>).judge(result));
    return [{ claim: claim.says, outcomes: judged.filter((outcome) => outcome !== null) }];
  });
}

function theorem1Weights({ n, dimension }: ResultOf<'theorem1'>): number | undefined {
  return n === undefined || dimension === undefined ? undefined : THEOREM_1.weights(n, dimension);
}

/** Table 3's test error, with the number of images where it is of more than here. */
function paperError({ data, features, ridge, n }: ResultOf<'kernels'>): string {
  const paper = TABLE_3.find(
    (entry) =>
      entry.data === data?.name && entry.features === features && entry.ridge === (ridge ?? 0) > 0,
  );
  if (paper === undefined) return '–';
  const scale = n === data?.full_train ? '' : ` (n = ${grouped(data?.full_train)})`;
  return `${paper.noBetter ? 'no better than ' : ''}${percent(paper.error.value / 100)}${scale}`;
}

/** A way to show a finding; a dash where it is missing. */
function shown<T>(show: (value: T) => string): (value: T | undefined) => string {
  return (value) => (value === undefined ? '–' : show(value));
}

const plain = shown<number | string>(String);
const share = shown<number | null>((value) => (value === null ? '–' : percent(value)));
const fixedOrNone = shown<number | null>((value) => (value === null ? '–' : value.toFixed(4)));
const fixed = shown<number>((value) => value.toFixed(4));
const answer = shown<boolean>((is) => (is ? 'yes' : 'no'));
const short = shown<number>((value) => {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : value.toPrecision(4);
});
