import { readOr, tolerate } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { type FirstLearned, readFirstLearned } from '../../record/example-table.js';
import { hasExamples } from '../../record/examples.js';
import { families, groupTrainings } from '../groups.js';
import type { ReportRun } from '../runs.js';

/** Whether labels of examples were changed. */
export const KINDS = ['changed', 'unchanged'] as const;
export type ExampleKind = (typeof KINDS)[number];

/** By when half of a run's examples were learned. */
export interface HalfLearned {
  /** Share of the examples whose label is changed. */
  share: number;
  /**
   * First evaluated epoch in which, or before which, half of them had been predicted as given; `null`: none; missing where there
   * are none of them.
   */
  epoch: Partial<Record<ExampleKind, number | null>>;
}

export interface LearnedRun extends HalfLearned {
  run: ReportRun;
}

/** Counts when half of the changed and of the unchanged examples were learned. */
export function halfLearned({ changed, first_learned }: FirstLearned): HalfLearned {
  const epochs = (flag: 0 | 1) => first_learned.filter((_, i) => changed[i] === flag).sort();
  const half = (sorted: Int32Array) => {
    // Those that never were come first.
    const learned = sorted.filter((epoch) => epoch > 0);
    return learned[Math.ceil(sorted.length / 2) - 1] ?? null;
  };
  const of = { changed: epochs(1), unchanged: epochs(0) };
  const known = KINDS.filter((kind) => of[kind].length > 0);
  return {
    share: of.changed.length / Math.max(1, changed.length),
    epoch: Object.fromEntries(known.map((kind) => [kind, half(of[kind])])),
  };
}

/** Reads when examples were learned, of runs that stand beside others with other corruption. */
export class LearnedReader {
  /** By path, as long as the run's result is the same. */
  private known = new Map<string, LearnedRun | { run: ReportRun; problem: string }>();

  /** Of runs that have been read before, nothing. What is damaged is told, not thrown. */
  async read(
    runs: readonly ReportRun[],
    watching: Watching = {},
  ): Promise<{ runs: LearnedRun[]; notes: string[] }> {
    const compared = families(groupTrainings(runs), ['corruption'])
      .filter((family) => family.length > 1)
      .flatMap((family) => family.flatMap((group) => group.runs))
      .filter((run) => run.result !== null && readOr(() => hasExamples(run.path), false));
    const before = this.known;
    this.known = new Map();
    const amount = () => ({ done: this.known.size, total: compared.length, unit: 'runs' as const });
    const turn = takingTurns(watching, 'reading when examples were learned', amount);
    for (const run of compared) {
      await turn();
      const found = before.get(run.path);
      if (found?.run.result === run.result) this.known.set(run.path, found);
      else {
        const read = await readFirstLearned(run.path).catch(tolerate(({ message }) => message));
        if (typeof read === 'string') this.known.set(run.path, { run, problem: read });
        else if (read !== null) this.known.set(run.path, { run, ...halfLearned(read) });
      }
    }
    const all = [...this.known.values()];
    return {
      runs: all.filter((one) => 'share' in one),
      notes: all.flatMap((one) => ('problem' in one ? [one.problem] : [])),
    };
  }
}
