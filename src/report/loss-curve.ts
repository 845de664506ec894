import { readOr } from '../errors.js';
import { StepRows } from '../record/rows.js';
import type { StoredStepRow } from '../results/training.js';

/** Losses of a run's steps, of those where it is finite. */
export interface Losses {
  /** Oldest first. */
  steps: Int32Array;
  /** Of the batch; one for each of `steps`. */
  losses: Float64Array;
}

/** `steps.csv` of a run that goes on, as numbers alone: a long run has more rows than objects would have room. */
export class LossCurve {
  private readonly rows: StepRows;
  private steps = new Int32Array(64);
  private losses = new Float64Array(64);
  private count = 0;

  constructor(runDir: string) {
    this.rows = new StepRows(runDir);
  }

  /** `null` where there is none, or the file is damaged: the table of runs says so. */
  read(): Losses | null {
    const anew = () => {
      this.count = 0;
    };
    const read = () => {
      this.rows.visit((row) => this.push(row), anew);
      return this.count;
    };
    if (readOr(read, 0) === 0) return null;
    return {
      steps: this.steps.subarray(0, this.count),
      losses: this.losses.subarray(0, this.count),
    };
  }

  private push({ step, loss }: StoredStepRow): void {
    if (loss === undefined || !Number.isFinite(loss)) return;
    if (this.count === this.steps.length) {
      const [steps, losses] = [this.steps, this.losses];
      this.steps = new Int32Array(2 * steps.length);
      this.losses = new Float64Array(2 * losses.length);
      this.steps.set(steps);
      this.losses.set(losses);
    }
    this.steps[this.count] = step;
    this.losses[this.count++] = loss;
  }
}
