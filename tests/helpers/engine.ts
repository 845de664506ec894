import { createEngine } from '../../src/engines/index.js';
import type { Engine, EngineOptions } from '../../src/engines/types.js';
import { messageOf, RethinkError } from '../../src/errors.js';

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
