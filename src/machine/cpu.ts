import { readFileSync } from 'node:fs';

/** Instruction sets that decide how fast training is, by their names in /proc/cpuinfo. oneDNN uses one with those before it. */
const SETS = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16'] as const;

export type InstructionSet = (typeof SETS)[number];

/** How many of them oneDNN uses under each value of ONEDNN_MAX_CPU_ISA; all of them under any other. */
const LIMITS: Record<string, number> = {
  sse41: 0,
  avx: 0,
  avx2: 1,
  avx2_vnni: 1,
  avx2_vnni_2: 1,
  avx512_core: 2,
  avx512_core_vnni: 3,
  avx512_core_bf16: 4,
  avx512_core_fp16: 4,
  avx10_1_512: 4,
};

/**
 * The instruction sets that oneDNN, and so TensorFlow, computes with.
 *
 * @param cpuinfo A text like /proc/cpuinfo.
 * @param limit ONEDNN_MAX_CPU_ISA, in upper or lower case: makes oneDNN compute as on an older CPU.
 * @returns `undefined` where the text doesn't say: on another system, or another kind of processor.
 */
export function instructionSets(cpuinfo: string, limit = ''): InstructionSet[] | undefined {
  const flags = /^flags\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(' ');
  if (flags === undefined) return undefined;
  const usable = SETS.slice(0, LIMITS[limit.toLowerCase()] ?? SETS.length);
  return usable.filter((set) => flags.includes(set));
}

/** {@link instructionSets} of the CPU that this process runs on. */
export function usedInstructionSets(): InstructionSet[] | undefined {
  return instructionSets(systemText('/proc/cpuinfo'), process.env.ONEDNN_MAX_CPU_ISA);
}

/**
 * What is to be known before TensorFlow computes in bfloat16 on a CPU, in two sentences; `undefined` where that is fast or
 * nothing is known. With AVX-512 alone oneDNN emulates it; with less TensorFlow has only Eigen's convolutions. Conversions
 * (AVX-NE-CONVERT) are not enough: oneDNN has no fast gradient of a filter for them.
 */
export function slowBfloat16(sets: readonly InstructionSet[] | undefined): string | undefined {
  if (sets === undefined || sets.includes('avx512_bf16') || sets.includes('amx_bf16')) return;
  const slow = sets.includes('avx512f')
    ? 'training in it takes 2 to 3 times as long as in float32'
    : 'convolutions in it take many times as long as in float32 (AlexNet: 16), and nothing is faster';
  return `This CPU has no instructions for bfloat16 (AVX512_BF16 or AMX): ${slow}. Use engine.precision=float32.`;
}

/**
 * The limit for oneDNN under which computing in bfloat16 ends the process: TensorFlow asks the CPU itself, and a oneDNN that
 * `ONEDNN_MAX_CPU_ISA` holds to an older instruction set then has no kernel. `undefined` where nothing is in the way.
 *
 * @param cpuinfo A text like /proc/cpuinfo.
 */
export function limitAgainstBfloat16(
  env: NodeJS.ProcessEnv = process.env,
  cpuinfo: string = systemText('/proc/cpuinfo'),
): string | undefined {
  const limit = env.ONEDNN_MAX_CPU_ISA;
  if (limit === undefined || env.TF_ENABLE_ONEDNN_OPTS === '0') return undefined;
  const older = ['sse41', 'avx', 'avx2', 'avx2_vnni'].includes(limit.toLowerCase());
  return older && /\b(avx512f|avx_ne_convert)\b/.test(cpuinfo) ? limit : undefined;
}

/** A file by which the system describes itself; empty where there is none: another system than Linux, or one that hides it. */
export function systemText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
