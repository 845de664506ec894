import { runProcess } from './process.js';

export interface Gpu {
  name: string;
  /** Memory in MiB. */
  memory: number;
  driver: string;
}

let known: Promise<Gpu[]> | undefined;

/** The NVIDIA GPUs of this machine, by index, as its driver's tool lists them; none where there is no such tool. */
export function listGpus(): Promise<Gpu[]> {
  known ??= query();
  return known;
}

async function query(): Promise<Gpu[]> {
  const result = await runProcess('nvidia-smi', [
    '--query-gpu=name,memory.total,driver_version',
    '--format=csv,noheader,nounits',
  ]);
  if (result.code !== 0) return [];
  return parseGpus(result.stdout);
}

/** Lines of `name, MiB, driver`. */
export function parseGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 3)
    .map(([name, memory, driver]) => ({ name: name!, memory: Number(memory), driver: driver! }));
}

/**
 * The number the driver gives to the `device`-th GPU that this process may use: a scheduler restricts and renumbers
 * GPUs with CUDA_VISIBLE_DEVICES, and only narrowing that further is right.
 */
export function visibleDevice(device: number): string {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) return String(device);
  return visible.split(',')[device]?.trim() ?? '';
}

/** The name of the GPU that the driver gives this number, for the record. */
export async function gpuName(id: string): Promise<string> {
  return (await listGpus())[Number(id)]?.name ?? `gpu ${id}`;
}
