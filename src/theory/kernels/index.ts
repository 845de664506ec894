import type { KernelFindings } from '../../results/findings.js';
import { breathe, type TheoryContext } from '../context.js';
import { chooseBandwidth } from './bandwidth.js';
import { extractFeatures } from './features.js';
import { BlockMath } from './graph.js';
import { errorRate, oneHot, predict, solveKernel } from './solver.js';

/**
 * Minimum-norm solutions of a Gaussian kernel on pixels or features (Zhang2017, Table 3), in double precision inside
 * TensorFlow. Needs the engine tensorflow to be loaded.
 *
 * @throws RethinkError: `failed` where the kernel is singular in doubles, `usage`, `interrupted`.
 */
export async function runKernels(context: TheoryContext): Promise<KernelFindings> {
  const { config, theory, prepared } = context;
  const { info, data } = prepared;
  const classes = info.classes.length;
  const start = performance.now();
  const { train, test, filters } = await extractFeatures(context);
  const extracted = performance.now();

  const math = BlockMath.create();
  try {
    const { labels } = data.train;
    const choice = await chooseBandwidth(
      math,
      { train, labels, classes, ridge: theory.ridge, seed: config.seeds.data },
      theory.bandwidths,
    );
    const problem = {
      features: train,
      targets: oneHot(labels, classes),
      bandwidth: choice.bandwidth,
      ridge: theory.ridge,
    };
    const solution = await solveKernel(math, problem, (done, total) =>
      breathe(context, 'solving the kernel system', done, total, 'steps'),
    );
    const testScores = await predict(math, test, problem, solution.alpha);
    return {
      experiment: 'kernels',
      n: train.rows,
      n_test: test.rows,
      features: theory.features,
      feature_count: train.columns,
      filters,
      ridge: theory.ridge,
      bandwidth_fraction: choice.fraction,
      bandwidth: choice.bandwidth,
      held_out_errors: choice.heldOut,
      train_error: errorRate(solution.fitted, labels),
      test_error: errorRate(testScores, data.test.trueLabels),
      relative_residual: solution.relativeResidual,
      refinements: solution.refinements,
      norm: solution.norm,
      feature_seconds: (extracted - start) / 1000,
      solve_seconds: (performance.now() - extracted) / 1000,
    };
  } finally {
    math.dispose();
  }
}
