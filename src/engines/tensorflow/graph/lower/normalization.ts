import type { ResponseNormalizationAttributes } from '../../../trace/graph.js';
import { type Attribute, attribute } from '../graph-def.js';
import { type Lowerings, one, resultOf, typeOf } from './context.js';

function responseNormalization(attrs: ResponseNormalizationAttributes): Record<string, Attribute> {
  return {
    depth_radius: attribute.integer(attrs.depthRadius),
    bias: attribute.float(attrs.bias),
    alpha: attribute.float(attrs.alpha),
    beta: attribute.float(attrs.beta),
  };
}

function batchNorm({ epsilon }: { epsilon: number }): Record<string, Attribute> {
  return {
    U: attribute.type('float32'),
    epsilon: attribute.float(epsilon),
    data_format: attribute.string('NHWC'),
    is_training: attribute.bool(true),
  };
}

const EMPTY = { shape: [0], dtype: 'float32' } as const;

/** Normalization, cross-entropy and the update where it is not a variable's own. */
export const NORMALIZATION: Lowerings = {
  lrn: one('LRN', responseNormalization),
  lrnGrad: one('LRNGrad', responseNormalization),
  fusedBatchNorm: (context, [x, scale, offset], node) => {
    // In training the statistics are computed, not given.
    const empty = context.splat(0, EMPTY);
    const attributes = {
      ...typeOf(x!),
      ...batchNorm(node.attrs),
      exponential_avg_factor: attribute.float(1),
    };
    const operands = [x!, scale!, offset!, empty, empty];
    return context.nodes('FusedBatchNormV3', operands, attributes, node.outputs);
  },
  fusedBatchNormGrad: one('FusedBatchNormGradV3', batchNorm),
  sparseSoftmaxCrossEntropy: one('SparseSoftmaxCrossEntropyWithLogits', () => ({
    Tlabels: attribute.type('int32'),
  })),
  whiten: (context, [images], node) => {
    const type = resultOf(node);
    const attributes = { X: attribute.type(images!.dtype), Y: attribute.type(type.dtype) };
    return [context.node('RethinkGenWhiten', [images!], attributes, type)];
  },
  applyMomentum: (context, [p, v, g, learningRate], node) => {
    const [type] = node.outputs;
    const T = typeOf(type!);
    const momentum = context.scalar(node.attrs.momentum, type!.dtype);
    const kept = context.node('Mul', [v!, momentum], T, type!);
    const velocity = context.node('AddV2', [kept, g!], T, type!);
    const moved = context.node('Mul', [velocity, learningRate!], T, type!);
    return [context.node('Sub', [p!, moved], T, type!), velocity];
  },
};
