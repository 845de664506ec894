import { RethinkError } from '../errors.js';
import { runProcess } from './process.js';

export interface Gpu {
  name: string;
  /** Memory in MiB. */
  memory: number;
  driver: string;
  /** `GPU-…`; by its beginning CUDA_VISIBLE_DEVICES may name it. */
  uuid?: string;
}

let known: Promise<Gpu[]> | undefined;

/** The NVIDIA GPUs of this machine, by index, as its driver's tool lists them; none where there is no such tool. */
export function listGpus(): Promise<Gpu[]> {
  known ??= query();
  return known;
}

async function query(): Promise<Gpu[]> {
  const result = await runProcess('nvidia-smi', [
    '--query-gpu=name,memory.total,driver_version,uuid',
    '--format=csv,noheader,nounits',
  ]);
  if (result.code !== 0) return [];
  return parseGpus(result.stdout);
}

/** Lines of `name, MiB, driver, UUID`. */
export function parseGpus(csv: string): Gpu[] {
  return csv
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .filter((fields) => fields.length === 3 || fields.length === 4)
    .map(([name, memory, driver, uuid]) => ({
      name: name!,
      memory: Number(memory),
      driver: driver!,
      ...(uuid === undefined ? {} : { uuid }),
    }));
}

/** What CUDA_VISIBLE_DEVICES was before this process narrowed it, and what it was narrowed to. */
let narrowed: { from: string | undefined; to: string } | undefined;

/**
 * The GPUs that a scheduler or a person left to this process, as CUDA_VISIBLE_DEVICES names them: the driver's numbers,
 * UUIDs, or those of MIG instances. `undefined`: all that there are.
 */
export function visibleIds(env = process.env): string[] | undefined {
  const value = env.CUDA_VISIBLE_DEVICES;
  const visible = narrowed !== undefined && value === narrowed.to ? narrowed.from : value;
  if (visible === undefined) return undefined;
  const ids = visible.split(',').map((id) => id.trim());
  // CUDA reads as far as the first that is none: empty, -1, `NoDevFiles`.
  const end = ids.findIndex((id) => !/^(\d+|(GPU|MIG)-.+)$/.test(id));
  return end === -1 ? ids : ids.slice(0, end);
}

/** The GPUs that this process may use, in the order in which `engine.device` counts them. */
export async function visibleGpus(): Promise<Gpu[]> {
  const listed = await listGpus();
  return visibleIds()?.flatMap((id) => gpuOf(id, listed) ?? []) ?? listed;
}

/** @param id of CUDA_VISIBLE_DEVICES; an instance of MIG is a part of a GPU whose own UUID doesn't say which */
function gpuOf(id: string, listed: readonly Gpu[]): Gpu | undefined {
  if (/^\d+$/.test(id)) return listed[Number(id)];
  const whole = listed.find(({ uuid }) =>
    uuid?.startsWith(id.replace(/^MIG-GPU-/, 'GPU-').split('/')[0]!),
  );
  return whole ?? (id.startsWith('MIG-') ? listed[0] : undefined);
}

/**
 * Leaves this process GPUs from the `first` on, as `engine.device` counts them and whatever names GPUs here, by narrowing
 * CUDA_VISIBLE_DEVICES: a library then finds them as its devices from 0 on. To be called before a library is loaded that
 * computes on GPUs, as it looks once.
 *
 * @param most how many at most
 * @returns the driver's numbers of those GPUs, or their UUIDs
 * @throws RethinkError (`usage`) where there is none, or the process was narrowed to others before.
 */
export async function narrowToGpus(first: number, most = 1): Promise<string[]> {
  const listed = (await listGpus()).map((_, index) => String(index));
  // Where there is no nvidia-smi, the library knows what there is.
  const known = visibleIds() ?? (listed.length > 0 ? listed : undefined);
  if (known === undefined && !Number.isFinite(most)) return [];
  const ids =
    known?.slice(first, first + most) ?? Array.from({ length: most }, (_, i) => String(first + i));
  if (ids.length === 0) throw noSuchGpu(first, known ?? []);
  const to = ids.join(',');
  const env = process.env.CUDA_VISIBLE_DEVICES;
  if (narrowed === undefined || env !== narrowed.to) narrowed = { from: env, to };
  else if (narrowed.to !== to) {
    throw new RethinkError(
      'usage',
      `This process computes on GPU ${narrowed.to}, and can't change to ${to}.`,
      { hint: 'Use a process of its own for each engine.device.' },
    );
  }
  process.env.CUDA_VISIBLE_DEVICES = to;
  // The numbers are those that nvidia-smi lists; CUDA by itself begins with the fastest.
  process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID';
  return ids;
}

function noSuchGpu(device: number, known: readonly string[]): RethinkError {
  const visible = visibleIds();
  const why =
    visible === undefined
      ? `nvidia-smi lists ${known.length === 1 ? 'one GPU' : `${known.length} GPUs`}`
      : `CUDA_VISIBLE_DEVICES leaves ${known.length === 0 ? 'none' : known.join(', ')} to this process`;
  return new RethinkError('usage', `engine.device is ${device}, and ${why}.`, {
    hint:
      known.length === 0
        ? 'Unset CUDA_VISIBLE_DEVICES, or choose --engine tensorflow for the CPU.'
        : `Set engine.device (or --device) to one from 0 to ${known.length - 1}.`,
  });
}

/** The name of a GPU by its number or UUID, for the record. */
export async function gpuName(id: string): Promise<string> {
  return gpuOf(id, await listGpus())?.name ?? `gpu ${id}`;
}

/** How many processes share a GPU: set by who starts them. */
export const SHARE_VARIABLE = 'RETHINK_GEN_GPU_SHARE';

/**
 * The part of a GPU's memory that this process may take, where several share one; `undefined` where it has it alone. A
 * tenth stays for what each takes beside its arrays: CUDA's context, libraries, programs.
 */
export function gpuMemoryShare(): number | undefined {
  const processes = Number(process.env[SHARE_VARIABLE]);
  return processes > 1 ? 0.9 / processes : undefined;
}
