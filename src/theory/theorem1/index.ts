import type { Theorem1Findings } from '../../results/findings.js';
import { breathe, type TheoryContext } from '../context.js';
import { type Inputs, splitInputs } from '../inputs.js';
import {
  buildNetwork,
  evaluateNetwork,
  type Network,
  networkWidth,
  weightCount,
} from './network.js';
import { choosePoints } from './points.js';
import { conditionNumber, interleave, maxAbs, smallestEigenvalue, solveSlopes } from './solve.js';

/**
 * Theorem 1 (Zhang2017, section 4 and appendix C): builds the ReLU network with 2n + d weights that has the training set's labels as its
 * outputs, and evaluates it for every image.
 *
 * @throws RethinkError: `data` where equal images have different labels, `interrupted`.
 */
export async function runTheorem1(context: TheoryContext): Promise<Theorem1Findings> {
  const { theory, prepared, config } = context;
  const { data } = prepared;
  const train = splitInputs(prepared, 'train');

  const start = performance.now();
  const points = choosePoints(train, data.train.labels, {
    seed: config.seeds.init,
    directions: theory.directions,
    names: data.train.indices,
  });
  const thresholds = interleave(points.x);
  const ramp = solveSlopes(points.x, thresholds, points.y);
  const network = buildNetwork(points, ramp, theory.depth);
  const built = performance.now();

  const fit = await errors(network, train, data.train.labels, context);
  const checked = performance.now();
  const test = await errors(network, splitInputs(prepared, 'test'), data.test.trueLabels, context);
  return {
    experiment: 'theorem1',
    n: train.count,
    distinct: points.x.length,
    dimension: train.dimension,
    fitted: fit.right,
    weights: weightCount(network),
    depth: network.blocks.length + 1,
    width: networkWidth(network),
    max_error: fit.maxError,
    min_gap: points.minGap,
    min_eigenvalue: smallestEigenvalue(points.x, thresholds),
    max_weight: maxAbs(ramp.slopes),
    condition: conditionNumber(points.x, thresholds),
    test_accuracy: test.right / data.test.count,
    build_seconds: (built - start) / 1000,
    check_seconds: (checked - built) / 1000,
  };
}

/** How many outputs are less than half a class away from the label. */
async function errors(
  network: Network,
  inputs: Inputs,
  labels: Int32Array,
  context: TheoryContext,
): Promise<{ right: number; maxError: number }> {
  const input = new Float64Array(inputs.dimension);
  let [right, maxError] = [0, 0];
  for (let i = 0; i < inputs.count; i++) {
    inputs.read(i, input);
    const error = Math.abs(evaluateNetwork(network, input) - labels[i]!);
    if (error < 0.5) right++;
    maxError = Math.max(maxError, error);
    await breathe(context, 'evaluating the network', i + 1, inputs.count);
  }
  return { right, maxError };
}
