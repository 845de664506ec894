import { readFileSync } from 'node:fs';
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

/**
 * Why TensorFlow can't compute in bfloat16 in this process, or nothing. It asks the CPU itself whether oneDNN has kernels
 * for it; a oneDNN that `ONEDNN_MAX_CPU_ISA` holds to an older instruction set has none then, and ends the process.
 */
export const noBfloat16 = reasonAgainstBfloat16(process.env);

function reasonAgainstBfloat16(env: NodeJS.ProcessEnv): string {
  const isa = env.ONEDNN_MAX_CPU_ISA?.toUpperCase() ?? '';
  if (!['SSE41', 'AVX', 'AVX2', 'AVX2_VNNI'].includes(isa)) return '';
  if (env.TF_ENABLE_ONEDNN_OPTS === '0') return '';
  const newer = /\b(avx512f|avx_ne_convert)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  return newer ? ` (skipped: ONEDNN_MAX_CPU_ISA=${isa} has no bfloat16)` : '';
}
