import { sizeOf } from '../../../shape.js';
import { type Device, Resource } from './device.js';
import { ELEMENT_BYTES, type ElementType } from './layout.js';

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** An array on the device: shape [shape], elements of one type, row-major. */
export class DeviceBuffer extends Resource {
  constructor(
    client: Device,
    handle: bigint,
    readonly shape: readonly number[],
    readonly type: ElementType,
  ) {
    super(client, handle);
  }

  /** Copies the array to the host: float32, int32 or bytes (booleans are bytes 0 and 1). */
  async toHost(): Promise<HostArray> {
    const bytes = sizeOf(this.shape) * ELEMENT_BYTES[this.type];
    const memory = new ArrayBuffer(Math.max(bytes, 1));
    const target = new Uint8Array(memory);
    const { api } = this.client;
    const doing = 'reading from the device';
    const values = { src: this.handle, dst: target, dst_size: bytes };
    const args = await api.callAsync('PJRT_Buffer_ToHostBuffer', values, doing);
    await api.awaitEvent(args.pointer('event'), doing);
    if (this.type === 'f32') return new Float32Array(memory, 0, bytes / 4);
    if (this.type === 'i32') return new Int32Array(memory, 0, bytes / 4);
    return target.subarray(0, bytes);
  }

  protected free(): void {
    this.client.api.call('PJRT_Buffer_Destroy', { buffer: this.handle }, 'freeing device memory');
  }
}
