import { sizeOf } from '../../shape.js';
import { CHUNK_BYTES } from '../types.js';
import { type LoopSpec, type LoopType, loopSignature } from './lower/signature.js';
import type { HostArray } from './pjrt/buffer.js';
import type { DeviceBuffer, Executable, PjrtClient } from './pjrt/client.js';
import { ELEMENT_BYTES, type ElementType } from './pjrt/layout.js';

/** Steps that one call has room for, at most: beyond it nothing is gained. */
const MAX_STEPS = 256;
/** Large inputs come in so many parts, so that a call of few steps uploads few of them. */
const GROUPS = 8;

/** How many steps of `bytesPerStep` one call has room for: under 64 MiB, a multiple of {@link GROUPS} where it can. */
export function loopCapacity(bytesPerStep: number): number {
  const most = Math.max(1, Math.min(MAX_STEPS, Math.floor(CHUNK_BYTES / bytesPerStep)));
  return most < GROUPS ? most : most - (most % GROUPS);
}

/** In how many parts an input of `bytesPerStep` is uploaded. */
export function groupsOf(bytesPerStep: number, capacity: number): number {
  if (bytesPerStep * capacity < 1 << 20) return 1;
  return Math.min(GROUPS, capacity);
}

/** Per-step inputs of one call, on the device. */
export interface StepInputs {
  steps: number;
  /** In the order of the program's arguments. */
  buffers: DeviceBuffer[];
  /** Those of `buffers` that belong to this call alone. */
  own: DeviceBuffer[];
}

/** A compiled loop: uploads the inputs of many steps and runs them in one call. */
export class LoopProgram {
  readonly capacity: number;
  private readonly signature;
  private readonly fillers = new Map<string, Promise<DeviceBuffer>>();

  constructor(
    private readonly client: PjrtClient,
    private readonly executable: Executable,
    spec: LoopSpec,
  ) {
    this.capacity = spec.capacity;
    this.signature = loopSignature(spec);
  }

  /**
   * Copies steps `first` … `first + steps − 1` to the device. May run while another call computes.
   *
   * @param arrays by input name, [all steps, ...shape]
   */
  async upload(
    arrays: Readonly<Record<string, HostArray>>,
    first: number,
    steps: number,
  ): Promise<StepInputs> {
    const inputs: StepInputs = { steps, buffers: [], own: [] };
    const own = async (buffer: Promise<DeviceBuffer>): Promise<void> => {
      const uploaded = await buffer;
      inputs.buffers.push(uploaded);
      inputs.own.push(uploaded);
    };
    try {
      for (const [name, type] of this.signature.perStep) {
        const array = arrays[name];
        if (array === undefined) throw new Error(`no array is given for '${name}'`);
        for (const part of partsOf(array, type, this.capacity, first, steps)) {
          if (part === undefined) inputs.buffers.push(await this.filler(name, type));
          else await own(this.client.upload(part, type.shape, type.type, type.dividedAxis));
        }
      }
      await own(this.client.upload(Int32Array.of(steps), [], 'i32'));
    } catch (error) {
      release(inputs);
      throw error;
    }
    return inputs;
  }

  /**
   * Runs the steps.
   *
   * @param state by name; what the loop carries is taken over and dead afterwards, though its handles are not freed
   * @returns what was collected, as host arrays of the steps that were run, and the carried state
   */
  async run(
    state: ReadonlyMap<string, DeviceBuffer>,
    inputs: StepInputs,
    doing: string,
  ): Promise<{ collected: Record<string, HostArray>; state: Map<string, DeviceBuffer> }> {
    const { collected, carried } = this.signature;
    const outputs = [
      ...collected.values(),
      ...carried.map((name) => this.signature.state.get(name)!),
    ];
    const given = [...this.signature.state.keys()].map((name) => state.get(name)!);
    const results = await this.executable.execute([...given, ...inputs.buffers], outputs, doing);
    const kept = results.slice(0, collected.size);
    const entries = [...collected.keys()].map(async (name, i): Promise<[string, HostArray]> => {
      const array = await kept[i]!.toHost();
      return [name, array.subarray(0, (array.length / this.capacity) * inputs.steps)];
    });
    try {
      return {
        collected: Object.fromEntries(await Promise.all(entries)),
        state: new Map(carried.map((name, i) => [name, results[collected.size + i]!])),
      };
    } finally {
      for (const buffer of kept) buffer.destroy();
    }
  }

  /** Frees the program and what it keeps on the device. */
  async destroy(): Promise<void> {
    for (const filler of this.fillers.values()) (await filler.catch(() => undefined))?.destroy();
    this.executable.destroy();
  }

  /** Stands for parts beyond the last step: never read, uploaded once. */
  private async filler(name: string, type: LoopType): Promise<DeviceBuffer> {
    let filler = this.fillers.get(name);
    if (filler === undefined) {
      const bytes = sizeOf(type.shape) * ELEMENT_BYTES[type.type];
      filler = this.client.upload(new Uint8Array(bytes), type.shape, type.type, type.dividedAxis);
      this.fillers.set(name, filler);
    }
    return await filler;
  }
}

/** Frees the buffers of a call. */
export function release(inputs: StepInputs): void {
  for (const buffer of inputs.own) buffer.destroy();
}

/** The parts of an input for these steps, the last one filled up with zeros; undefined beyond. */
function partsOf(
  array: HostArray,
  { shape, type, groups }: LoopType & { groups: number },
  capacity: number,
  first: number,
  steps: number,
): (HostArray | undefined)[] {
  const perPart = capacity / groups;
  const size = sizeOf(shape.slice(1));
  return Array.from({ length: groups }, (_, group) => {
    const start = group * perPart;
    const count = Math.min(perPart, steps - start);
    if (count <= 0) return undefined;
    const part = array.subarray((first + start) * size, (first + start + count) * size);
    if (part.length === perPart * size) return part;
    const whole = zeros(type, perPart * size);
    whole.set(part);
    return whole;
  });
}

function zeros(type: ElementType, length: number): HostArray {
  if (type === 'f32') return new Float32Array(length);
  return type === 'i32' ? new Int32Array(length) : new Uint8Array(length);
}
