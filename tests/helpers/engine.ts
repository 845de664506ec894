import { createEngine } from '../../src/engines/index.js';
import type { Engine, EngineOptions } from '../../src/engines/types.js';
import { messageOf, RethinkError } from '../../src/errors.js';
import { limitAgainstBfloat16 } from '../../src/machine/cpu.js';

export const EAGER: EngineOptions = {
  name: 'tensorflow',
  precision: 'float32',
  device: 0,
  eager: true,
  deterministic: false,
};

/** The native engine, or the reason why this machine has none, to be put in a test's name. */
export interface NativeEngine {
  engine: Engine | undefined;
  /** Empty, or ` (skipped: …)`. */
  skipped: string;
}

let known: Promise<NativeEngine> | undefined;

/**
 * The engine `tensorflow`, op by op: installed on the first use on a machine, by one process while others wait. Tests
 * that need it are skipped, saying why, where it can't be had; anything else that goes wrong is an error.
 */
export function ensureTensorflow(): Promise<NativeEngine> {
  known ??= createEngine(EAGER, {}).then(
    (engine) => ({ engine, skipped: '' }),
    (error: unknown) => {
      if (!(error instanceof RethinkError)) throw error;
      return { engine: undefined, skipped: ` (skipped: ${messageOf(error)})` };
    },
  );
  return known;
}

const limit = limitAgainstBfloat16();

/** Why TensorFlow can't compute in bfloat16 in this process, to be put in a test's name; or nothing. */
export const noBfloat16 =
  limit === undefined ? '' : ` (skipped: ONEDNN_MAX_CPU_ISA=${limit} has no bfloat16)`;
