import { join } from 'node:path';
import { prefetch } from '../../batches/prefetch.js';
import type { CorruptedDataset } from '../../corrupt/index.js';
import type { Engine } from '../../engines/types.js';
import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import { CsvTable } from '../../record/tables.js';
import type { RademacherFindings } from '../../results/findings.js';
import { noProgress } from '../../results/training.js';
import type { PreparedData } from '../../setup/data.js';
import { prepareTraining } from '../../setup/training.js';
import { initialState } from '../../train/init.js';
import { trainLoop } from '../../train/loop.js';
import { breathe, type TheoryContext } from '../context.js';
import { splitInputs } from '../inputs.js';
import { addScaled, dot, norm } from '../linear/matrix.js';

/** One row of `draws.csv`. */
interface DrawRow {
  draw: number;
  /** 2·accuracy − 1 of the trained network against the random signs. */
  correlation: number;
  epochs: number;
  steps: number;
  seconds: number;
}

/** Draws of signs for the linear class, which needs no training. */
const LINEAR_DRAWS = 100;

/**
 * The empirical Rademacher complexity E sup (1/n)·Σ σᵢh(xᵢ), from below: the supremum over the model is at least what
 * training reaches on random signs. Beside it that of linear functions of norm 1, where the supremum is known, and what the classical
 * bound then allows: error ≤ training error + complexity + 3·√(ln(2/δ) / 2n) (Bartlett and Mendelson 2002). Writes
 * `draws.csv`.
 */
export async function runRademacher(
  context: TheoryContext,
  engine: Engine,
): Promise<RademacherFindings> {
  const { theory, prepared, runDir } = context;
  const { train } = prepared.data;
  const columns = ['draw', 'correlation', 'epochs', 'steps', 'seconds'];
  const path = join(runDir, 'draws.csv');
  const table = new CsvTable<DrawRow>(path, columns, { anew: true, confirm: context.confirm });
  const rows: DrawRow[] = [];
  for (let draw = 0; draw < theory.draws; draw++) {
    const row = await oneDraw(context, engine, draw);
    rows.push(row);
    table.append([row]);
    table.sync();
  }
  const n = train.count;
  const correlations = rows.map(({ correlation }) => correlation);
  const correlation = mean(correlations);
  const linear = await linearComplexity(context);
  const gapBound = correlation + 3 * Math.sqrt(Math.log(2 / theory.delta) / (2 * n));
  return {
    experiment: 'rademacher',
    n,
    draws: rows.length,
    correlation,
    correlation_min: Math.min(...correlations),
    linear_complexity: linear.mean,
    linear_complexity_bound: linear.bound,
    linear_vacuous_norm: 0.5 / linear.bound,
    delta: theory.delta,
    gap_bound: gapBound,
    vacuous: gapBound >= 0.5,
  };
}

/** Trains a network of its own on one draw of signs, as any other training set of two classes. */
async function oneDraw(context: TheoryContext, engine: Engine, draw: number): Promise<DrawRow> {
  const { config, options } = context;
  // 0 or 1 for each training image, a pure function of (seed, draw, source index).
  const signs = Int32Array.from(context.prepared.data.train.indices, (index) =>
    new Random(config.seeds.corruption, 'rademacher/signs', index, draw).integer(2),
  );
  const prepared = prepareTraining(config, withSigns(context.prepared, signs));
  const seed = new Random(config.seeds.init, 'rademacher/init', draw).uint32();
  const progress = noProgress();
  const session = await engine.load(prepared.program, initialState(prepared.model, seed));
  const batches = prefetch(prepared.batches);
  try {
    const { outcome, divergedAt } = await trainLoop({
      session,
      batches,
      data: prepared.measured,
      train: config.train,
      decayEvery: prepared.decayEvery,
      checkpointEvery: 0,
      progress,
      recorder: {
        steps() {},
        epoch: (row) => options.events?.epoch?.(row),
        // A draw that was cut short is drawn again.
        checkpoint() {},
      },
      recordSteps: false,
      signal: options.signal,
    });
    if (outcome === 'interrupted') {
      throw new RethinkError('interrupted', `Interrupted in draw ${draw + 1}.`);
    }
    if (divergedAt !== null) {
      const where = `draw ${draw + 1}, step ${divergedAt}`;
      throw new RethinkError('diverged', `Training diverged in ${where}.`, {
        hint: 'A smaller train.learningRate often helps.',
      });
    }
  } finally {
    batches.dispose();
    session.dispose();
  }
  const { epoch, step, seconds, last } = progress;
  const correlation = 2 * last!.train_accuracy! - 1;
  options.events?.note?.(
    `Draw ${draw + 1} of ${context.theory.draws}: correlation ${correlation.toFixed(4)} after ${epoch} epochs.`,
  );
  return { draw: draw + 1, correlation, epochs: epoch, steps: step, seconds };
}

/** The same images with the signs as their two classes. Test images have none: theirs mean nothing. */
function withSigns(prepared: PreparedData, signs: Int32Array): PreparedData {
  const { train, test } = prepared.data;
  const info = { ...prepared.info, classes: ['minus', 'plus'] };
  const none = new Int32Array(test.count);
  const data: CorruptedDataset = {
    info,
    train: {
      ...train,
      labels: signs,
      trueLabels: signs,
      corruptedLabels: signs,
      labelChanged: new Uint8Array(train.count),
    },
    test: { ...test, labels: none, trueLabels: none, corruptedLabels: none },
  };
  return { ...prepared, info, data };
}

/**
 * Of {x → ⟨w, x⟩ : ‖w‖ ≤ 1}: the mean of ‖Σ σᵢxᵢ‖ / n over draws of signs, and √(Σ ‖xᵢ‖²) / n, which its expectation
 * never exceeds.
 */
async function linearComplexity(context: TheoryContext): Promise<{ mean: number; bound: number }> {
  const inputs = splitInputs(context.prepared, 'train');
  const input = new Float64Array(inputs.dimension);
  const sums = Array.from({ length: LINEAR_DRAWS }, () => new Float64Array(inputs.dimension));
  let squares = 0;
  for (let i = 0; i < inputs.count; i++) {
    inputs.read(i, input);
    squares += dot(input, input);
    const random = new Random(context.config.seeds.corruption, 'rademacher/linear', i);
    for (const sum of sums) addScaled(sum, 2 * random.integer(2) - 1, input);
    await breathe(context, 'measuring the linear class', i + 1, inputs.count);
  }
  return { mean: mean(sums.map(norm)) / inputs.count, bound: Math.sqrt(squares) / inputs.count };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
