import type { TheoryExperiment } from '../config/theory.js';
import type { Engine } from '../engines/types.js';
import type { Findings } from '../results/theory.js';
import type { TheoryContext } from './context.js';
import { runKernels } from './kernels/index.js';
import { runLinear } from './linear/index.js';
import { runRademacher } from './rademacher/index.js';
import { runTheorem1 } from './theorem1/index.js';

interface Entry {
  /** Computes in doubles, whatever the engine's precision. */
  doubles: boolean;
  run(context: TheoryContext, engine: Engine | null): Promise<Findings>;
}

/** The experiments of the theory, by the value of `experiment`. */
export const THEORY_EXPERIMENTS: Record<TheoryExperiment, Entry> = {
  theorem1: { doubles: true, run: runTheorem1 },
  kernels: { doubles: true, run: runKernels },
  rademacher: {
    doubles: false,
    run: (context, engine) => runRademacher(context, engine!),
  },
  linear: { doubles: true, run: runLinear },
};
