import type { KernelFindings, TheoryContext } from '../types.js';
export async function runKernels(_context: TheoryContext): Promise<KernelFindings> {
  throw new Error('soon');
}
