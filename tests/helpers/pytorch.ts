import { execFileSync } from 'node:child_process';
import { messageOf } from '../../src/errors.js';

/** What tests that compare with PyTorch run. */
export const PYTHON = process.env.RETHINK_GEN_TEST_PYTHON ?? 'python3';

/** Empty where PyTorch is there, else why these tests are skipped. */
export function withoutTorch(): string {
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'pipe' });
    return '';
  } catch (error) {
    const reason = messageOf(error).trim().split('\n').at(-1);
    return ` (skipped, RETHINK_GEN_TEST_PYTHON names no Python with PyTorch: ${reason})`;
  }
}
