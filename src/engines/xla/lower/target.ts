/** What the generated program should suit. */
export interface Target {
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
}

export const CPU_TARGET: Target = {
  convolutions: 'cpu',
  products: 'DEFAULT',
  variance: 'two-pass',
};

export const GPU_TARGET: Target = {
  convolutions: 'gpu',
  products: 'HIGHEST',
  variance: 'one-pass',
};
