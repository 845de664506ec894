import { z } from 'zod';

export const FEATURES = ['pixels', 'gabor', 'random-conv'] as const;
export type FeatureName = (typeof FEATURES)[number];

/** Keys of the experiments of the theory as a person writes them; defaults are filled in by `resolveTheory`. */
export const theorySchema = z
  .strictObject({
    depth: z
      .int()
      .min(2)
      .max(1000)
      .optional()
      .describe(
        'theorem1: layers with weights; default 2. More make it narrower: width about n/(depth − 1).',
      ),
    directions: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(
        'theorem1: random directions tried, of which the one with the widest smallest gap is used; default 8.',
      ),
    features: z
      .enum(FEATURES)
      .optional()
      .describe('kernels: what the Gaussian kernel compares; default pixels.'),
    filters: z
      .int()
      .min(1)
      .max(262_144)
      .optional()
      .describe('kernels: random filters of random-conv; default 2048 (the paper: 32000).'),
    bandwidths: z
      .array(z.number().positive())
      .min(1)
      .max(32)
      .optional()
      .describe(
        'kernels: fractions of the median squared distance, of which the best on held-out training data is used; default [0.25, 0.5, 1, 2].',
      ),
    ridge: z
      .number()
      .min(0)
      .optional()
      .describe('kernels: λ of (K + λI)α = y; default 0, the interpolating solution.'),
    draws: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('rademacher: draws of random signs, each with a training of its own; default 3.'),
    delta: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe('rademacher: probability with which the bounds may fail; default 0.05.'),
    steps: z
      .int()
      .min(1)
      .max(100_000_000)
      .optional()
      .describe('linear: steps of SGD; default 5000.'),
  })
  .describe(
    'Experiments that train no network, or none for its own sake; each key names its experiment.',
  );
