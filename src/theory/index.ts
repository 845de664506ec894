import type { TheoryExperiment } from '../config/theory.js';
import type { Engine } from '../engines/types.js';
import type { Findings } from '../results/findings.js';
import type { TheoryContext } from './context.js';
import { runKernels } from './kernels/index.js';
import { runLinear } from './linear/index.js';
import { runMemorization } from './memorization/index.js';
import { runRademacher } from './rademacher/index.js';
import { runTheorem1 } from './theorem1/index.js';

type RunTheory = (context: TheoryContext, engine: Engine | null) => Promise<Findings>;

/** The experiments of the theory; the engine is there where `engineNeeded` says so. */
export const THEORY_EXPERIMENTS: Record<TheoryExperiment, RunTheory> = {
  theorem1: runTheorem1,
  kernels: runKernels,
  rademacher: (context, engine) => runRademacher(context, engine!),
  linear: runLinear,
  memorization: runMemorization,
};
