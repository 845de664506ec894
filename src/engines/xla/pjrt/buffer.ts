import { sizeOf } from '../../../shape.js';
import { int64s } from '../../native/memory.js';
import type { Device, Resource } from './device.js';
import {
  BUFFER_TYPES,
  ELEMENT_BYTES,
  type ElementType,
  IMMUTABLE_UNTIL_TRANSFER_COMPLETES,
} from './layout.js';
import { Struct } from './struct.js';

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** An array on the device: shape [shape], elements of one type, row-major. */
export class DeviceBuffer implements Resource {
  private destroyed = false;

  constructor(
    private readonly client: Device,
    readonly handle: bigint,
    readonly shape: readonly number[],
    readonly type: ElementType,
  ) {
    client.adoptBuffer(this);
  }

  /** Copies the array to the host: float32, int32 or bytes (booleans are bytes 0 and 1). */
  async toHost(): Promise<HostArray> {
    const bytes = sizeOf(this.shape) * ELEMENT_BYTES[this.type];
    const memory = new ArrayBuffer(Math.max(bytes, 1));
    const target = new Uint8Array(memory);
    const args = new Struct('PJRT_Buffer_ToHostBuffer_Args', {
      src: this.handle,
      dst: target,
      dst_size: bytes,
    });
    const { api } = this.client;
    await api.callAsync('PJRT_Buffer_ToHostBuffer', args, 'reading from the device');
    await api.awaitEvent(args.pointer('event'), 'reading from the device');
    if (this.type === 'f32') return new Float32Array(memory, 0, bytes / 4);
    if (this.type === 'i32') return new Int32Array(memory, 0, bytes / 4);
    return target.subarray(0, bytes);
  }

  /** Frees the handle, and the memory unless a program took it over. Safe to call twice. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.client.forget(this);
    const args = new Struct('PJRT_Buffer_Destroy_Args', { buffer: this.handle });
    this.client.api.call('PJRT_Buffer_Destroy', args, 'freeing device memory');
  }
}

/** Copies a host array to the client's device. */
export async function upload(
  client: Device,
  array: HostArray,
  shape: readonly number[],
  type: ElementType,
): Promise<DeviceBuffer> {
  const bytes = sizeOf(shape) * ELEMENT_BYTES[type];
  if (array.byteLength !== bytes) {
    throw new Error(`an array of ${array.byteLength} bytes cannot be ${type}[${shape.join(',')}]`);
  }
  const args = new Struct('PJRT_Client_BufferFromHostBuffer_Args', {
    client: client.handle,
    data: array,
    type: BUFFER_TYPES[type],
    dims: int64s(shape),
    num_dims: shape.length,
    host_buffer_semantics: IMMUTABLE_UNTIL_TRANSFER_COMPLETES,
    device: client.device,
  });
  const doing = `copying ${bytes} bytes to the device`;
  await client.api.callAsync('PJRT_Client_BufferFromHostBuffer', args, doing);
  const buffer = new DeviceBuffer(client, args.pointer('buffer'), shape, type);
  try {
    await client.api.awaitEvent(args.pointer('done_with_host_buffer'), doing);
  } catch (error) {
    buffer.destroy();
    throw error;
  }
  // `args` holds the array, which the device may read until here.
  args.set('data', 0n);
  return buffer;
}
