import { RethinkError } from '../../../errors.js';
import { sizeOf } from '../../../shape.js';
import { copyBytes, inMemory, int64s } from '../../native/memory.js';
import { PjrtApi } from './api.js';
import { type ArraySpec, DeviceBuffer, type HostArray } from './buffer.js';
import type { Device, Resource } from './device.js';
import { Executable } from './executable.js';
import {
  BUFFER_TYPES,
  ELEMENT_BYTES,
  type ElementType,
  IMMUTABLE_UNTIL_TRANSFER_COMPLETES,
} from './layout.js';
import { namedValues, type PluginOptions } from './named-values.js';
import { programArguments } from './program.js';

/** A PJRT client and those of its devices that programs run on. */
export class PjrtClient implements Device {
  readonly platform: string;
  /** Version of the native library and the plugin's API: part of what a compiled program depends on. */
  readonly platformVersion: string;
  readonly deviceKind: string;
  readonly alive = new Set<Resource>();
  private closed = false;

  private constructor(
    readonly api: PjrtApi,
    readonly handle: bigint,
    readonly devices: readonly bigint[],
  ) {
    const client = { client: handle };
    const name = api.call('PJRT_Client_PlatformName', client, 'asking for the platform');
    this.platform = name.string('platform_name', 'platform_name_size');
    const version = api.call('PJRT_Client_PlatformVersion', client, 'asking for the version');
    this.platformVersion = version.string('platform_version', 'platform_version_size');
    this.deviceKind = deviceKind(api, devices[0]!);
  }

  /**
   * @param most Devices to run programs on, the first that the client sees; fewer where it sees fewer.
   * @throws RethinkError where the plugin, a driver or a device is missing or does not fit.
   */
  static async create(path: string, options: PluginOptions = {}, most = 1): Promise<PjrtClient> {
    const api = PjrtApi.load(path);
    const { memory, count, kept } = namedValues(options);
    const values = { create_options: memory, num_options: count };
    const args = await api.callAsync('PJRT_Client_Create', values, 'starting the device');
    // They hold what the options point to, until here.
    kept.length = 0;
    const client = args.pointer('client');
    try {
      return new PjrtClient(api, client, devicesOf(api, client).slice(0, most));
    } catch (error) {
      api.call('PJRT_Client_Destroy', { client }, 'stopping');
      throw error;
    }
  }

  /** Buffers that are alive on the device: what a leak would raise. */
  get bufferCount(): number {
    return [...this.alive].filter((resource) => resource instanceof DeviceBuffer).length;
  }

  /**
   * Copies a host array [shape] to the devices: the whole to each, or to each its part of the axis that is divided among
   * them. The array must not change until the promise is fulfilled.
   */
  async upload(
    array: HostArray,
    shape: readonly number[],
    type: ElementType,
    dividedAxis?: number,
  ): Promise<DeviceBuffer> {
    const bytes = sizeOf(shape) * ELEMENT_BYTES[type];
    if (array.byteLength !== bytes) {
      throw new Error(`an array of ${array.byteLength} bytes cannot be ${type}[${shape}]`);
    }
    const spec = { shape, type, dividedAxis };
    const parts = this.devices.map((device, i) => this.uploadPart(array, spec, device, i));
    const settled = await Promise.allSettled(parts);
    const there = settled.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
    const buffer = new DeviceBuffer(this, there, spec);
    const failed = settled.find((part) => part.status === 'rejected');
    if (failed === undefined) return buffer;
    buffer.destroy();
    throw failed.reason;
  }

  private async uploadPart(
    array: HostArray,
    { shape, type, dividedAxis }: ArraySpec,
    device: bigint,
    index: number,
  ): Promise<bigint> {
    const { api } = this;
    const dims = [...shape];
    let start = 0;
    let layout = {};
    if (dividedAxis !== undefined) {
      const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)) * ELEMENT_BYTES[type]);
      dims[dividedAxis]! /= this.devices.length;
      start = index * dims[dividedAxis]! * strides[dividedAxis]!;
      layout = { byte_strides: int64s(strides), num_byte_strides: strides.length };
    }
    const doing = `copying ${sizeOf(dims) * ELEMENT_BYTES[type]} bytes to the device`;
    const values = {
      client: this.handle,
      data: new Uint8Array(array.buffer, array.byteOffset + start, array.byteLength - start),
      type: BUFFER_TYPES[type],
      dims: int64s(dims),
      num_dims: dims.length,
      ...layout,
      host_buffer_semantics: IMMUTABLE_UNTIL_TRANSFER_COMPLETES,
      device,
    };
    const args = await api.callAsync('PJRT_Client_BufferFromHostBuffer', values, doing);
    const buffer = args.pointer('buffer');
    try {
      await api.awaitEvent(args.pointer('done_with_host_buffer'), doing);
    } catch (error) {
      api.call('PJRT_Buffer_Destroy', { buffer }, 'freeing device memory');
      throw error;
    }
    // `args` holds the array, which the device may read until here.
    args.set('data', 0n);
    return buffer;
  }

  /** What a program is partitioned over: ids in the order of `devices`. */
  get deviceIds(): number[] {
    return this.devices.map((device) => deviceId(this.api, device));
  }

  /** Compiles StableHLO text on a thread of its own. */
  async compile(program: string, options: Buffer): Promise<Executable> {
    const values = { client: this.handle, ...programArguments(program, options) };
    const args = await this.api.callAsync('PJRT_Client_Compile', values, 'compiling the program');
    return new Executable(this, args.pointer('executable'));
  }

  /** Loads a program that `Executable.serialize` gave. @throws RethinkError where the bytes do not fit. */
  async deserialize(bytes: Buffer): Promise<Executable> {
    const serialized = inMemory(bytes);
    const values = {
      client: this.handle,
      serialized_executable: serialized,
      serialized_executable_size: serialized.length,
    };
    const doing = 'loading a compiled program';
    const args = await this.api.callAsync('PJRT_Executable_DeserializeAndLoad', values, doing);
    return new Executable(this, args.pointer('loaded_executable'));
  }

  /** Frees everything made by this client, then the client: buffers first. Safe to call twice. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const kind of [DeviceBuffer, Executable]) {
      for (const resource of [...this.alive]) if (resource instanceof kind) resource.destroy();
    }
    this.api.call('PJRT_Client_Destroy', { client: this.handle }, 'stopping');
  }
}

export { DeviceBuffer, Executable };

function devicesOf(api: PjrtApi, client: bigint): bigint[] {
  const args = api.call('PJRT_Client_AddressableDevices', { client }, 'listing devices');
  const count = args.number('num_addressable_devices');
  if (count === 0) {
    throw new RethinkError('failed', 'The xla engine found no device.', {
      hint: 'Check that nvidia-smi lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it.',
    });
  }
  const list = copyBytes(args.pointer('addressable_devices'), 8 * count);
  return Array.from({ length: count }, (_, i) => list.readBigUInt64LE(i * 8));
}

const DESCRIBING = 'describing the device';

/** A device's description, of which functions tell more. */
function descriptionOf(api: PjrtApi, device: bigint) {
  const description = api.call('PJRT_Device_GetDescription', { device }, DESCRIBING);
  return { device_description: description.pointer('device_description') };
}

function deviceKind(api: PjrtApi, device: bigint): string {
  const kind = api.call('PJRT_DeviceDescription_Kind', descriptionOf(api, device), DESCRIBING);
  return kind.string('device_kind', 'device_kind_size');
}

function deviceId(api: PjrtApi, device: bigint): number {
  return api.call('PJRT_DeviceDescription_Id', descriptionOf(api, device), DESCRIBING).number('id');
}
