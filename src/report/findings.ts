import { z } from 'zod';
import { anyNumber } from '../disk/json.js';
import type { TheoryResult } from '../results/theory.js';

/** What a report computes with or prints of each experiment; `result.json` promises no more than its conditions. */
const NEEDED: Record<TheoryResult['experiment'], string[]> = {
  theorem1: [
    'n',
    'fitted',
    'weights',
    'dimension',
    'depth',
    'width',
    'max_error',
    'condition',
    'build_seconds',
  ],
  kernels: [
    'n',
    'ridge',
    'bandwidth_fraction',
    'test_error',
    'train_error',
    'relative_residual',
    'norm',
  ],
  rademacher: ['n', 'draws', 'correlation', 'gap_bound'],
  linear: [
    'n',
    'steps',
    'relative_distance',
    'outside_span',
    'minimum_norm',
    'norm',
    'relative_residual',
  ],
};

/** A sentence on a finding that is missing or no number; `null` where all are there. */
export function damagedFinding(result: TheoryResult): string | null {
  const findings = result as unknown as Record<string, unknown>;
  const missing = NEEDED[result.experiment].find(
    (key) => !anyNumber.safeParse(findings[key]).success,
  );
  if (missing !== undefined) return `result.json has no number for ${missing}`;
  if (result.experiment !== 'kernels') return null;
  const kernel = z.looseObject({ features: z.string(), filters: z.number().nullable() });
  return kernel.safeParse(findings).success
    ? null
    : 'result.json does not say which features it is of';
}
