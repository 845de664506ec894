/**
 * The typed graph that a traced step becomes, and that every lowering starts from.
 *
 * It knows nothing of TensorFlow or StableHLO: an op is defined by the mathematics in {@link OpAttributes}. Images are
 * NHWC, filters HWIO, arrays row-major. Binary ops, comparisons and `select` broadcast as NumPy does; nothing else does.
 */

import type { BINARY, COMPARISON, LOGICAL, REDUCE, UNARY } from './names.js';

export type DType = 'float32' | 'bfloat16' | 'int32' | 'uint8' | 'bool';

export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** One output of one node. */
export interface Value extends ValueType {
  readonly node: Node;
  /** Which of the node's outputs. */
  readonly index: number;
}

type None = Record<string, never>;

/** Zeros (or −∞, for a maximum) around an image; `type` is how the program asked for it. */
export interface Padding {
  readonly type: 'SAME' | 'VALID' | 'EXPLICIT';
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export interface ConvolutionAttributes {
  /** [height, width]. */
  readonly strides: readonly [number, number];
  /** Of the filter, [height, width]. */
  readonly dilations: readonly [number, number];
  readonly padding: Padding;
}

export interface PoolAttributes {
  /** Of the window, [height, width]. */
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

export interface ReduceAttributes {
  /** Ascending, non-negative. */
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

export interface ResponseNormalizationAttributes {
  /** Channels on either side. */
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

export type ConstantData = Float32Array | Int32Array | Uint8Array;

/** Every op: its attributes, and in the comment its operands → results. */
export interface OpAttributes
  extends Record<keyof (typeof UNARY & typeof BINARY & typeof COMPARISON & typeof LOGICAL), None>,
    Record<keyof typeof REDUCE, ReduceAttributes> {
  /** () → x. What the caller supplies. */
  input: { readonly name: string };
  /** () → x. All elements, row-major; bool as 0/1 bytes. */
  constant: { readonly data: ConstantData };
  /** () → x. One value everywhere (bool: 0 or 1). */
  splat: { readonly value: number };

  /** x → x in another dtype. Float to integer truncates; to bool is `≠ 0`; to bfloat16 rounds to nearest even. */
  cast: None;
  /** x → bool. */
  isFinite: None;
  /** x → bool. */
  isNaN: None;
  /** (x₀, x₁, …) → bool scalar: whether all elements of all of them are finite. */
  allFinite: None;
  /** x → 1 where x > 0, `alpha` where x ≤ 0, NaN where x is NaN. */
  step: { readonly alpha: number };
  /** (condition: bool, a, b) → `condition ? a : b`. */
  select: None;

  /** x → the same elements in the output's shape. */
  reshape: None;
  /** x → output's shape, repeating along axes of size 1 (and new leading axes). */
  broadcast: None;
  /** x → y with y.shape[i] = x.shape[permutation[i]]. */
  transpose: { readonly permutation: readonly number[] };
  /** (x₀, x₁, …) → joined along `axis`. */
  concat: { readonly axis: number };
  /** x → one part for each size, along `axis`. */
  split: { readonly axis: number; readonly sizes: readonly number[] };
  /** x → x[begin …, begin + output.shape …]. */
  slice: { readonly begin: readonly number[] };
  /** x → x with `value` around it, [before, after] for each axis (non-negative). */
  pad: { readonly paddings: readonly (readonly [number, number])[]; readonly value: number };
  /** indices: int32 → [...indices.shape, depth], `on` where the index matches, `off` elsewhere. */
  oneHot: { readonly depth: number; readonly on: number; readonly off: number };
  /** (x [n, …], indices int32 [b]) → [b, …], with x[indices[i]] for row i. Indices are 0…n−1. */
  gather: None;
  /** (x [n, …], indices int32 [b], rows [b, …]) → x with rows[i] for its row indices[i]. Indices are 0…n−1, each once. */
  replaceRows: None;
  /** x → int32 index of the greatest element along `axis`, the first among equals. */
  argMax: { readonly axis: number };

  /** (a [..., m, k], b [..., k, n]) → [..., m, n]; a flag says that the operand comes with its last axes swapped. */
  matMul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** (x NHWC, filter HWIO) → NHWC cross-correlation. */
  conv2d: ConvolutionAttributes;
  /** (dy, filter) → gradient of conv2d's x, of the output's shape. */
  conv2dBackpropInput: ConvolutionAttributes;
  /** (x, dy) → gradient of conv2d's filter, of the output's shape. */
  conv2dBackpropFilter: ConvolutionAttributes;
  /** x NHWC → NHWC. Padding never wins. */
  maxPool: PoolAttributes;
  /** (dy, x, y = maxPool(x)) → gradient of x: all of dy to the first maximum of a window in row-major order. */
  maxPoolGrad: PoolAttributes;
  /** x NHWC → NHWC. The mean is over the elements inside the image. */
  avgPool: PoolAttributes;
  /** dy → gradient of avgPool's x, of the output's shape. */
  avgPoolGrad: PoolAttributes;
  /** x NHWC → x · (bias + alpha · Σ x² over channels c−r…c+r)^(−beta). */
  lrn: ResponseNormalizationAttributes;
  /** (dy, x, y = lrn(x)) → gradient of x. */
  lrnGrad: ResponseNormalizationAttributes;
  /** x → softmax along the last axis. */
  softmax: None;
  /** x → log softmax along the last axis. */
  logSoftmax: None;

  /** (dy, features) → dy where features > 0, else 0; features is relu's input or its output. */
  reluGrad: None;
  /** (x [..., c], b [c]) → x + b. */
  biasAdd: None;
  /** dy [..., c] → [c], the sum over all other axes. */
  biasAddGrad: None;
  /** x → scalar Σ x² / 2. */
  l2Loss: None;

  /**
   * (x NHWC, scale [c] float32, offset [c] float32) → y like x, then float32 [c]: mean, variance (of the batch, with
   * Bessel's correction n/(n−1)), reserve₁, reserve₂, and reserve₃ [0]. y uses the variance without the correction.
   * The reserves are the lowering's own business: only fusedBatchNormGrad reads them.
   */
  fusedBatchNorm: { readonly epsilon: number };
  /** (dy, x, scale, reserve₁, reserve₂, reserve₃) → gradients of x, scale and offset. */
  fusedBatchNormGrad: { readonly epsilon: number };
  /** (logits [b, c] float32, labels [b] int32) → loss [b], and softmax − one-hot [b, c]. */
  sparseSoftmaxCrossEntropy: None;
  /**
   * images [b, ...], bytes as uint8, int32 or float32 → (x − μ)/max(σ, 255/√n) with mean μ and population σ of each
   * image's n elements, computed in float32 or better.
   */
  whiten: None;
  /** (p, v, g, learningRate scalar) → v' = momentum · v + g as the second result, p' = p − learningRate · v' as the first. */
  applyMomentum: { readonly momentum: number };
}

export type Op = keyof OpAttributes;

interface NodeOf<K extends Op> {
  /** Position in its graph's `nodes`. */
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly attrs: OpAttributes[K];
  readonly outputs: readonly Value[];
}

/** A node; `switch (node.op)` narrows its attributes. */
export type Node<K extends Op = Op> = { [P in K]: NodeOf<P> }[K];

/** A pure function: named inputs to named outputs. */
export interface Graph {
  /** In the order of the program; also those that nothing reads. */
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  /** Operands before their users; inputs first. */
  readonly nodes: readonly Node[];
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** `float32[128,10]`. */
export function typeName(type: ValueType): string {
  return `${type.dtype}[${type.shape.join(',')}]`;
}
