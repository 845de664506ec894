import type { ResponseNormalizationAttributes } from '../../trace/graph.js';
import { type Emitter, reducedCount } from './emitter.js';
import { oneHotMask, sum } from './shape.js';
import type { Target } from './target.js';
import type { Ref } from './text.js';
import type { Lower, Lowerings } from './types.js';

/** Batch, height and width: a channel's statistics run over these. */
const BATCH_AXES = [0, 1, 2];

/** Reserves are mean, 1/√(variance + ε), and nothing. */
const fusedBatchNorm: Lower<'fusedBatchNorm'> = ({
  e,
  target,
  inputs: [x, scale, offset],
  attrs: { epsilon },
  outputs: [out],
}) => {
  const wide = e.convert(x!, 'f32');
  const count = reducedCount(x!.shape, BATCH_AXES);
  const { mean, variance } = moments(e, target, wide, count);
  const inverse = e.unary('rsqrt', e.add(variance, e.scalar(epsilon, 'f32')));
  const y = e.add(e.multiply(e.subtract(wide, mean), e.multiply(inverse, scale!)), offset!);
  // Bessel's correction; of one element there is none.
  const corrected = e.scale(variance, count / Math.max(1, count - 1));
  const nothing = e.splat(0, [0], 'f32');
  return [e.convert(y, out!.type), mean, corrected, mean, inverse, nothing];
};

/** Sums over all but the channels. */
function channelSums(e: Emitter, target: Target, arrays: readonly Ref[]): Ref[] {
  if (target.sums === 'together') return e.sumTogether(arrays, BATCH_AXES);
  return arrays.map((array) => sum(e, array, BATCH_AXES));
}

/** Mean and population variance of each channel, float32. */
function moments(e: Emitter, target: Target, x: Ref, count: number): { mean: Ref; variance: Ref } {
  if (target.variance === 'two-pass') {
    const mean = e.scale(sum(e, x, BATCH_AXES), 1 / count);
    const centered = e.subtract(x, mean);
    const variance = e.scale(sum(e, e.multiply(centered, centered), BATCH_AXES), 1 / count);
    return { mean, variance };
  }
  const sums = channelSums(e, target, [x, e.multiply(x, x)]);
  const [mean, square] = sums.map((total) => e.scale(total, 1 / count)) as [Ref, Ref];
  const raw = e.subtract(square, e.multiply(mean, mean));
  return { mean, variance: e.binary('maximum', raw, e.scalar(0, 'f32')) };
}

const fusedBatchNormGrad: Lower<'fusedBatchNormGrad'> = ({
  e,
  target,
  inputs: [dy, x, scale, mean, inverse],
  outputs: [out],
}) => {
  const gradient = e.convert(dy!, 'f32');
  const normalized = e.multiply(e.subtract(e.convert(x!, 'f32'), mean!), inverse!);
  const summands = [gradient, e.multiply(gradient, normalized)];
  const [offset, dScale] = channelSums(e, target, summands) as [Ref, Ref];
  const perElement = 1 / reducedCount(x!.shape, BATCH_AXES);
  const drift = e.add(
    e.scale(offset, perElement),
    e.multiply(normalized, e.scale(dScale, perElement)),
  );
  const dx = e.multiply(e.subtract(gradient, drift), e.multiply(scale!, inverse!));
  return [e.convert(dx, out!.type), dScale, offset];
};

/** bias + alpha · Σ x² over the channels around each. */
function responseNorm(e: Emitter, x: Ref, attrs: ResponseNormalizationAttributes): Ref {
  const total = channelSum(e, e.multiply(x, x), attrs.depthRadius);
  return e.add(e.scale(total, attrs.alpha), e.scalar(attrs.bias, 'f32'));
}

function channelSum(e: Emitter, x: Ref, radius: number): Ref {
  const pads = [0, 0, 0, radius].map((n): [number, number] => [n, n]);
  return e.reduceWindow('add', x, [1, 1, 1, 2 * radius + 1], [1, 1, 1, 1], pads);
}

const lrn: Lower<'lrn'> = ({ e, inputs: [x], attrs, outputs: [out] }) => {
  const wide = e.convert(x!, 'f32');
  const factor = e.binary('power', responseNorm(e, wide, attrs), e.scalar(-attrs.beta, 'f32'));
  return [e.convert(e.multiply(wide, factor), out!.type)];
};

const lrnGrad: Lower<'lrnGrad'> = ({ e, inputs, attrs, outputs: [out] }) => {
  const [dy, x, y] = inputs.map((value) => e.convert(value, 'f32')) as [Ref, Ref, Ref];
  const norm = responseNorm(e, x, attrs);
  const direct = e.multiply(dy, e.binary('power', norm, e.scalar(-attrs.beta, 'f32')));
  const spread = channelSum(e, e.divide(e.multiply(dy, y), norm), attrs.depthRadius);
  const indirect = e.multiply(e.scale(x, 2 * attrs.alpha * attrs.beta), spread);
  return [e.convert(e.subtract(direct, indirect), out!.type)];
};

/** x − max and log Σ exp of it, along the last axis, in float32. */
function shiftedLogits(e: Emitter, x: Ref): { shifted: Ref; exponentials: Ref; total: Ref } {
  const last = x.shape.length - 1;
  const wide = e.convert(x, 'f32');
  const greatest = e.broadcastAxes(e.reduce('maximum', wide, [last]), x.shape);
  const shifted = e.subtract(wide, greatest);
  const exponentials = e.unary('exponential', shifted);
  return { shifted, exponentials, total: sum(e, exponentials, [last]) };
}

const softmax: Lower<'softmax'> = ({ e, inputs: [x], outputs: [out] }) => {
  const { exponentials, total } = shiftedLogits(e, x!);
  return [e.convert(e.divide(exponentials, e.broadcastAxes(total, x!.shape)), out!.type)];
};

const logSoftmax: Lower<'logSoftmax'> = ({ e, inputs: [x], outputs: [out] }) => {
  const { shifted, total } = shiftedLogits(e, x!);
  const result = e.subtract(shifted, e.broadcastAxes(e.unary('log', total), x!.shape));
  return [e.convert(result, out!.type)];
};

const sparseSoftmaxCrossEntropy: Lower<'sparseSoftmaxCrossEntropy'> = ({
  e,
  inputs: [logits, labels],
  outputs: [loss, gradient],
}) => {
  const { shifted, exponentials, total } = shiftedLogits(e, logits!);
  const target = oneHotMask(e, labels!, logits!.shape[1]!);
  const zero = e.scalar(0, 'f32');
  const own = sum(e, e.select(target, shifted, zero), [1]);
  const probabilities = e.divide(exponentials, e.broadcastAxes(total, logits!.shape));
  const difference = e.subtract(probabilities, e.convert(target, 'f32'));
  return [
    e.convert(e.subtract(e.unary('log', total), own), loss!.type),
    e.convert(difference, gradient!.type),
  ];
};

export const NORMALIZATION: Lowerings = {
  fusedBatchNorm,
  fusedBatchNormGrad,
  lrn,
  lrnGrad,
  softmax,
  logSoftmax,
  sparseSoftmaxCrossEntropy,
};
