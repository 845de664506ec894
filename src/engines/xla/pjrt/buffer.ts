import { sizeOf } from '../../../shape.js';
import { type Device, Resource } from './device.js';
import { ELEMENT_BYTES, type ElementType } from './layout.js';

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** Shape and type of an array, and how it lies on several devices. */
export interface ArraySpec {
  /** Of the whole. */
  shape: readonly number[];
  type: ElementType;
  /** The axis that is divided among the devices; without it each holds the whole. */
  dividedAxis?: number | undefined;
}

/** An array on a client's devices: elements of one type, row-major. */
export class DeviceBuffer extends Resource {
  /** @param handles one for each device: of the whole array, or of its part */
  constructor(
    client: Device,
    readonly handles: readonly bigint[],
    readonly spec: ArraySpec,
  ) {
    super(client);
  }

  /** Copies an array of which each device holds the whole to the host: float32, int32 or bytes (booleans are 0 and 1). */
  async toHost(): Promise<HostArray> {
    const { shape, type } = this.spec;
    const bytes = sizeOf(shape) * ELEMENT_BYTES[type];
    const memory = new ArrayBuffer(Math.max(bytes, 1));
    const target = new Uint8Array(memory);
    const { api } = this.client;
    const doing = 'reading from the device';
    const values = { src: this.handles[0]!, dst: target, dst_size: bytes };
    const args = await api.callAsync('PJRT_Buffer_ToHostBuffer', values, doing);
    await api.awaitEvent(args.pointer('event'), doing);
    if (type === 'f32') return new Float32Array(memory, 0, bytes / 4);
    if (type === 'i32') return new Int32Array(memory, 0, bytes / 4);
    return target.subarray(0, bytes);
  }

  protected free(): void {
    for (const buffer of this.handles) {
      this.client.api.call('PJRT_Buffer_Destroy', { buffer }, 'freeing device memory');
    }
  }
}
