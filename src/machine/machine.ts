import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type InstructionSet, instructionSets, systemText } from './cpu.js';
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
export function describeCpu(): Cpu {
  return {
    model: cpus()[0]?.model.trim() ?? process.arch,
    threads: processThreads(),
    features: cpuFeatures(systemText('/proc/cpuinfo')),
  };
}

/** The known features in a text like /proc/cpuinfo. */
export function cpuFeatures(cpuinfo: string): string[] {
  return (instructionSets(cpuinfo) ?? []).map((set) => FEATURES[set]);
}

/**
 * Memory for this process in bytes: the least of what the machine has, its control groups (a container's, a batch job's)
 * and its own `ulimit -v` allow.
 *
 * @param root Where /proc and /sys are found; another one in tests.
 */
export function processMemory(root = '/'): { total: number; free: number } {
  const files = ['memory.max', 'memory.high', 'memory.limit_in_bytes'];
  const groups = controlGroups('memory', root).flatMap((folder) =>
    files.map((file) => systemText(join(folder, file))),
  );
  const [, addresses] =
    /^Max address space\s+(\d+)/m.exec(systemText(join(root, 'proc/self/limits'))) ?? [];
  // What Node makes of them itself; 0 where it knows of none.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const total = Math.min(totalmem(), constrained, ...[...groups, addresses ?? ''].map(limitOf));
  return { total, free: Math.min(freemem(), total) };
}

/** Threads that this process can run at once: those of its processors, and no more than its control groups give time for. */
export function processThreads(root = '/'): number {
  const shares = controlGroups('cpu', root).flatMap((folder) => {
    const [quota = '', period = ''] = systemText(join(folder, 'cpu.max')).split(' ');
    const [quotaBefore, periodBefore] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) =>
      limitOf(systemText(join(folder, file))),
    );
    return [limitOf(quota) / limitOf(period), quotaBefore! / periodBefore!].filter(Number.isFinite);
  });
  return Math.max(1, Math.min(availableParallelism(), ...shares.map(Math.ceil)));
}

/**
 * Folders of the control groups that a process is in, its own first and then those around it: each may set a limit, of
 * version 1 (a hierarchy for each controller) or 2 (one for all). Inside a container some of them aren't there.
 */
function controlGroups(controller: 'memory' | 'cpu', root: string): string[] {
  const folders: string[] = [];
  const lines = systemText(join(root, 'proc/self/cgroup')).matchAll(/^\d+:([^:]*):(\/.*)$/gm);
  for (const [, controllers = '', path = ''] of lines) {
    if (controllers !== '' && !controllers.split(',').includes(controller)) continue;
    const mounted = join(root, 'sys/fs/cgroup', controllers && controller);
    for (let group = path; ; group = dirname(group)) {
      folders.push(join(mounted, group));
      if (group === '/') break;
    }
  }
  return folders;
}

/** `max`, -1 and nothing at all are no limit. */
function limitOf(text: string): number {
  return /^\d+\s*$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}

/** First line that a program prints when asked for its version; `undefined` where it isn't there or fails. */
export async function programVersion(command: string, args: string[]): Promise<string | undefined> {
  const { code, stdout } = await runProcess(command, args);
  return code === 0 ? stdout.split('\n')[0]?.trim() : undefined;
}
