import { RethinkError } from '../../../errors.js';
import { allocate, copyBytes, inMemory, int64s, type Memory } from '../../native/memory.js';
import { PjrtApi } from './api.js';
import { DeviceBuffer, type HostArray, upload } from './buffer.js';
import type { Device, Resource } from './device.js';
import { compile, deserialize, Executable } from './executable.js';
import { type ElementType, layoutOf, NAMED_VALUE_TYPES } from './layout.js';
import { Struct } from './struct.js';

/** Options of a GPU client; other platforms take none. */
export interface ClientOptions {
  /** Take the memory at once (fewer surprises) instead of growing (others can use the device too). */
  preallocate?: boolean;
  /** Share of the device's memory that may be used, 0…1. */
  memory_fraction?: number;
  /** `default`, `platform`, `bfc` or `cuda_async`. */
  allocator?: string;
  /** Indices of the GPUs that this client sees. */
  visible_devices?: number[];
}

/** A PJRT client and its first device. */
export class PjrtClient implements Device {
  readonly platform: string;
  /** Version of the native library and the plugin's API: part of what a compiled program depends on. */
  readonly platformVersion: string;
  readonly deviceKind: string;
  private readonly buffers = new Set<Resource>();
  private readonly executables = new Set<Resource>();
  private closed = false;

  private constructor(
    readonly api: PjrtApi,
    readonly handle: bigint,
    readonly device: bigint,
  ) {
    const name = new Struct('PJRT_Client_PlatformName_Args', { client: handle });
    api.call('PJRT_Client_PlatformName', name, 'asking for the platform');
    this.platform = name.string('platform_name', 'platform_name_size');
    const version = new Struct('PJRT_Client_PlatformVersion_Args', { client: handle });
    api.call('PJRT_Client_PlatformVersion', version, 'asking for the version');
    this.platformVersion = version.string('platform_version', 'platform_version_size');
    this.deviceKind = deviceKind(api, device);
  }

  /** @throws RethinkError where the plugin, a driver or a device is missing or does not fit. */
  static async create(path: string, options: ClientOptions = {}): Promise<PjrtClient> {
    const api = PjrtApi.load(path);
    const named = namedValues(options);
    const args = new Struct('PJRT_Client_Create_Args', {
      create_options: named.memory,
      num_options: named.count,
    });
    await api.callAsync('PJRT_Client_Create', args, 'starting the device');
    const handle = args.pointer('client');
    try {
      return new PjrtClient(api, handle, firstDevice(api, handle));
    } catch (error) {
      destroyClient(api, handle);
      throw error;
    }
  }

  /** Buffers that are alive on the device: what a leak would raise. */
  get bufferCount(): number {
    return this.buffers.size;
  }

  /** Copies a host array [shape] to the device. The array must not change until the promise is fulfilled. */
  async upload(
    array: HostArray,
    shape: readonly number[],
    type: ElementType,
  ): Promise<DeviceBuffer> {
    return await upload(this, array, shape, type);
  }

  /** Compiles StableHLO text. */
  async compile(program: string, options: Buffer): Promise<Executable> {
    return await compile(this, program, options);
  }

  /** Loads a program that `Executable.serialize` gave. @throws RethinkError where the bytes do not fit. */
  async deserialize(bytes: Buffer): Promise<Executable> {
    return await deserialize(this, bytes);
  }

  adoptBuffer(buffer: Resource): void {
    this.buffers.add(buffer);
  }

  adoptExecutable(executable: Resource): void {
    this.executables.add(executable);
  }

  forget(resource: Resource): void {
    this.buffers.delete(resource);
    this.executables.delete(resource);
  }

  /** Frees everything made by this client, then the client: buffers first. Safe to call twice. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const buffer of [...this.buffers]) buffer.destroy();
    for (const executable of [...this.executables]) executable.destroy();
    destroyClient(this.api, this.handle);
  }
}

export { DeviceBuffer, Executable };

function destroyClient(api: PjrtApi, client: bigint): void {
  api.call('PJRT_Client_Destroy', new Struct('PJRT_Client_Destroy_Args', { client }), 'stopping');
}

function firstDevice(api: PjrtApi, client: bigint): bigint {
  const args = new Struct('PJRT_Client_AddressableDevices_Args', { client });
  api.call('PJRT_Client_AddressableDevices', args, 'listing devices');
  if (args.number('num_addressable_devices') === 0) {
    throw new RethinkError('failed', 'The xla engine found no device.', {
      hint: 'Check that nvidia-smi lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it.',
    });
  }
  return copyBytes(args.pointer('addressable_devices'), 8).readBigUInt64LE(0);
}

function deviceKind(api: PjrtApi, device: bigint): string {
  const description = new Struct('PJRT_Device_GetDescription_Args', { device });
  api.call('PJRT_Device_GetDescription', description, 'describing the device');
  const kind = new Struct('PJRT_DeviceDescription_Kind_Args', {
    device_description: description.pointer('device_description'),
  });
  api.call('PJRT_DeviceDescription_Kind', kind, 'describing the device');
  return kind.string('device_kind', 'device_kind_size');
}

interface NamedValues {
  count: number;
  memory: Memory;
  /** Names and values that `memory` points to. */
  kept: unknown[];
}

/** An array of `PJRT_NamedValue`, one after the other. */
function namedValues(options: ClientOptions): NamedValues {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  const { size, fields } = layoutOf('PJRT_NamedValue');
  const memory = allocate(size * entries.length);
  const kept: unknown[] = [];
  entries.forEach(([name, value], i) => {
    const nameBytes = inMemory(Buffer.from(name));
    const struct = new Struct('PJRT_NamedValue', { name: nameBytes, name_size: nameBytes.length });
    const offset = fields.value?.offset ?? 0;
    if (typeof value === 'boolean') {
      struct.set('type', NAMED_VALUE_TYPES.bool);
      struct.memory.writeUInt8(Number(value), offset);
      struct.set('value_size', 1);
    } else if (typeof value === 'number') {
      struct.set('type', NAMED_VALUE_TYPES.float);
      struct.memory.writeFloatLE(value, offset);
      struct.set('value_size', 1);
    } else {
      const bytes = typeof value === 'string' ? inMemory(Buffer.from(value)) : int64s(value);
      struct.set(
        'type',
        typeof value === 'string' ? NAMED_VALUE_TYPES.string : NAMED_VALUE_TYPES.int64List,
      );
      struct.set('value', bytes);
      struct.set('value_size', value.length);
    }
    struct.memory.copy(memory, i * size);
    kept.push(struct);
  });
  return { count: entries.length, memory, kept };
}
