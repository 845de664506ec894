import type { Config } from '../config/resolve.js';
import { listEngines } from '../engines/index.js';
import { listGpus, SHARE_VARIABLE, visibleIds } from '../machine/gpu.js';
import { processThreads } from '../machine/machine.js';

/** How many trials run at once, and what should be said about it. */
export interface Slots {
  count: number;
  /** What each slot's process finds in its environment. */
  environments: Record<string, string>[];
  notes: string[];
}

/** What of a machine decides how many trials it can run at once. */
export interface Machine {
  /** GPUs that this process may use, as the driver numbers them. */
  gpus: string[];
  /** Whether an engine would use one of them. */
  usesGpu(engine: Config['engine']): boolean;
  threads: number;
}

/** Divides a machine among trials: as many at once as asked for, spread over its GPUs where they use GPUs. */
export function planSlots(jobs: number, configs: readonly Config[], machine: Machine): Slots {
  const { gpus, threads } = machine;
  const onGpu = configs.filter(({ engine }) => machine.usesGpu(engine));
  if (gpus.length > 0 && onGpu.length > 0) {
    const first = Math.max(...onGpu.map(({ engine }) => engine.device));
    const devices = Math.max(1, gpus.length - first);
    const wanted = onGpu.map(({ engine }) =>
      engine.devices === 'all' ? devices : (engine.devices ?? 1),
    );
    // A trial that wants more than there are says so itself.
    const each = Math.min(devices, Math.max(...wanted));
    const places = Math.floor(devices / each);
    // Trials of several GPUs wait for each other in every step: two of them on the same ones would hold each other up.
    const count = each === 1 ? jobs : Math.min(jobs, places);
    const sharing = Math.ceil(count / places);
    const asked = `--jobs ${jobs}, and ${devices === 1 ? 'one GPU' : `${devices} GPUs`} from device ${first} on`;
    const notes = [
      ...(sharing > 1 ? [`${asked}: ${sharing} at once share a GPU and its memory.`] : []),
      ...(count < jobs ? [`${asked}: ${count} at once, with ${each} each.`] : []),
    ];
    const environments = Array.from({ length: count }, (_, slot) => ({
      // In another order, not fewer: `engine.device` then means the slot's own GPU, in a resumed run as well.
      CUDA_VISIBLE_DEVICES: rotated(gpus, (slot % places) * each).join(','),
      ...(sharing > 1 ? { [SHARE_VARIABLE]: String(sharing) } : {}),
    }));
    return { count, environments, notes };
  }
  const greedy = jobs > 1 && configs.some(({ engine }) => engine.threads === undefined);
  const note = `Each of ${jobs} trials at once uses all ${threads} threads: engine.threads=${Math.max(1, Math.floor(threads / jobs))} would share them out.`;
  const environments = Array.from({ length: jobs }, () => ({}));
  return { count: jobs, environments, notes: greedy ? [note] : [] };
}

function rotated<T>(list: readonly T[], by: number): T[] {
  return [...list.slice(by), ...list.slice(0, by)];
}

/** The machine we are on. */
export async function thisMachine(env = process.env): Promise<Machine> {
  const listed = (await listGpus()).map((_, index) => String(index));
  const engines = await listEngines();
  const onGpu = (name: string) =>
    engines.some((e) => e.name === name && e.problem === null && e.device !== 'cpu');
  return {
    gpus: listed.length === 0 ? [] : (visibleIds(env) ?? listed),
    usesGpu: ({ name }) => name === 'auto' || onGpu(name),
    threads: processThreads(),
  };
}

/**
 * Works through items in order with a number of slots, each with one item at a time; no further one is begun once
 * `stop` is aborted. `work` must not throw.
 *
 * @param work Is told which slot it has, from 0.
 */
export async function runPool<T>(
  items: readonly T[],
  slots: number,
  stop: AbortSignal,
  work: (item: T, slot: number) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const runSlot = async (slot: number) => {
    for (;;) {
      if (stop.aborted) return;
      const { value, done } = waiting.next();
      if (done) return;
      await work(value, slot);
    }
  };
  await Promise.all(Array.from({ length: Math.min(slots, items.length) }, (_, i) => runSlot(i)));
}
