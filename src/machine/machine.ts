import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { type InstructionSet, instructionSets } from './cpu.js';
import { runProcess } from './process.js';

export interface Cpu {
  model: string;
  /** Threads this process may use. */
  threads: number;
  /** Of the instruction sets that decide how fast training is, those that are here. */
  features: string[];
}

/** What to call them. */
const FEATURES: Record<InstructionSet, string> = {
  avx2: 'AVX2',
  avx512f: 'AVX-512',
  avx512_vnni: 'AVX-512 VNNI',
  avx512_bf16: 'AVX-512 bf16',
  amx_bf16: 'AMX bf16',
};

/** The processor; its features are known on Linux only. */
export async function describeCpu(): Promise<Cpu> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return {
    model: cpus()[0]?.model.trim() ?? process.arch,
    threads: availableParallelism(),
    features: cpuFeatures(info),
  };
}

/** The known features in a text like /proc/cpuinfo. */
export function cpuFeatures(cpuinfo: string): string[] {
  return (instructionSets(cpuinfo) ?? []).map((set) => FEATURES[set]);
}

/** Memory in bytes; a container's limit counts as the total. */
export function describeMemory(): { total: number; free: number } {
  const limit = process.constrainedMemory?.() ?? 0;
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { total, free: Math.min(freemem(), total) };
}

/** Free bytes on the disk that holds a path, or would hold it. */
export async function freeSpace(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    // A folder that isn't there yet will be made on its parent's disk.
    if (dirname(path) === path) throw error;
    return freeSpace(dirname(path));
  }
}

/** First line that a program prints when asked for its version; `undefined` where it isn't there or fails. */
export async function programVersion(command: string, args: string[]): Promise<string | undefined> {
  const { code, stdout } = await runProcess(command, args);
  return code === 0 ? stdout.split('\n')[0]?.trim() : undefined;
}
