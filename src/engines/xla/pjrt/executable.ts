import koffi from '../../../machine/koffi.js';
import type { MemoryUse } from '../../kind.js';
import { copyBytes, int64s } from '../../native/memory.js';
import { type ArraySpec, DeviceBuffer } from './buffer.js';
import { type Device, Resource } from './device.js';
import { memoryUse } from './memory-use.js';
import { Struct } from './struct.js';

const deleterPrototype = koffi.proto('void PjrtSerializedDeleter(void *serialized)');

/** A program compiled for all of a client's devices. */
export class Executable extends Resource {
  constructor(
    client: Device,
    private readonly handle: bigint,
  ) {
    super(client);
  }

  /**
   * Runs the program once and waits for it. Inputs whose memory the program takes over (`tf.aliasing_output`) are
   * dead afterwards, but their handles still have to be destroyed.
   *
   * @param outputs what the program returns, in order
   * @param doing what fails, should it: 'while …'
   */
  async execute(
    inputs: readonly DeviceBuffer[],
    outputs: readonly ArraySpec[],
    doing: string,
  ): Promise<DeviceBuffer[]> {
    const { api, devices } = this.client;
    const outputLists = devices.map(() => int64s(outputs.map(() => 0n)));
    const events = int64s(devices.map(() => 0n));
    const values = {
      executable: this.handle,
      options: new Struct('PJRT_ExecuteOptions'),
      argument_lists: devices.map((_, d) => int64s(inputs.map(({ handles }) => handles[d]!))),
      num_devices: devices.length,
      num_args: inputs.length,
      output_lists: outputLists,
      device_complete_events: events,
      // A program of several devices knows them itself.
      execute_device: devices.length === 1 ? devices[0]! : 0n,
    };
    await api.callAsync('PJRT_LoadedExecutable_Execute', values, doing);
    const results = outputs.map((spec, i) => {
      const handles = outputLists.map((list) => list.readBigUInt64LE(i * 8));
      return new DeviceBuffer(this.client, handles, spec);
    });
    const ends = devices.map((_, d) => api.awaitEvent(events.readBigUInt64LE(d * 8), doing));
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return results;
    for (const buffer of results) buffer.destroy();
    throw failed.reason;
  }

  /** What it needs of the device's memory. */
  memoryUse(): MemoryUse | null {
    return this.withExecutable((executable) => memoryUse(this.client.api, executable));
  }

  /** The compiled program as bytes that `PjrtClient.deserialize` takes, on this platform and version. */
  serialize(): Buffer {
    const doing = 'serializing the compiled program';
    return this.withExecutable((executable) => {
      const args = this.client.api.call('PJRT_Executable_Serialize', { executable }, doing);
      const size = args.number('serialized_bytes_size');
      const bytes = copyBytes(args.pointer('serialized_bytes'), size);
      const deleter = args.pointer('serialized_executable_deleter');
      koffi.decode(deleter, deleterPrototype)(args.pointer('serialized_executable'));
      return bytes;
    });
  }

  /** The program apart from the device that it was loaded on. */
  private withExecutable<T>(use: (executable: bigint) => T): T {
    const { api } = this.client;
    const doing = 'looking at the compiled program';
    const values = { loaded_executable: this.handle };
    const loaded = api.call('PJRT_LoadedExecutable_GetExecutable', values, doing);
    const executable = loaded.pointer('executable');
    try {
      return use(executable);
    } finally {
      api.call('PJRT_Executable_Destroy', { executable }, doing);
    }
  }

  protected free(): void {
    const values = { executable: this.handle };
    this.client.api.call('PJRT_LoadedExecutable_Destroy', values, 'freeing a program');
  }
}
