import type { CompositeOp } from '../../trace/passes/composites.js';

/** What the generated program should suit. */
export interface Target {
  /** Ops that are lowered as such: the others come as those that every engine has. */
  has: readonly CompositeOp[];
  /**
   * `cpu`: gradients of convolutions as plain forward convolutions of transposed operands (XLA's CPU compiler runs the
   * other form ten times slower inside a loop); `gpu`: the form that XLA matches to cuDNN's backward kernels.
   */
  convolutions: 'cpu' | 'gpu';
  /** `HIGHEST`: float32 products in full float32; `DEFAULT`: as the device likes, TF32 on NVIDIA GPUs. */
  products: 'HIGHEST' | 'DEFAULT';
  /**
   * Batch variance as E[x²] − E[x]², one pass over memory (clipped at 0), or as E[(x − E[x])²], two passes and more
   * digits.
   */
  variance: 'one-pass' | 'two-pass';
  /** Sums of two arrays over the same axes: a reduction each, or one of two operands. */
  sums: 'apart' | 'together';
  /**
   * The gradient of max pooling by the images' type: `select_and_scatter`, or each element compared with its windows'
   * maxima. XLA's GPU compiler makes a scatter of the former, in deterministic programs even a sort; on a CPU AlexNet
   * trains 1.28 times as fast with the latter in float32, and 0.97 times in bfloat16.
   */
  maxPoolGradient: Record<'f32' | 'bf16', 'scatter' | 'compare'>;
  /** The small arrays of the state each for itself, or as one: a GPU's kernel takes as long for either. */
  smallState: 'apart' | 'together';
}

export const CPU_TARGET: Target = {
  has: [],
  convolutions: 'cpu',
  products: 'DEFAULT',
  variance: 'two-pass',
  sums: 'apart',
  maxPoolGradient: { f32: 'compare', bf16: 'scatter' },
  smallState: 'apart',
};

export const GPU_TARGET: Target = {
  has: ['allFinite'],
  convolutions: 'gpu',
  products: 'HIGHEST',
  variance: 'one-pass',
  sums: 'together',
  maxPoolGradient: { f32: 'compare', bf16: 'compare' },
  smallState: 'together',
};
