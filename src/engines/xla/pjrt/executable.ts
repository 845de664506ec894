import koffi from '../../../machine/koffi.js';
import { copyBytes, int64s } from '../../native/memory.js';
import { DeviceBuffer } from './buffer.js';
import { Resource } from './device.js';
import type { ElementType } from './layout.js';
import { Struct } from './struct.js';

/** Shape and element type of one output. */
export interface OutputSpec {
  shape: readonly number[];
  type: ElementType;
}

const deleterPrototype = koffi.proto('void PjrtSerializedDeleter(void *serialized)');

/** A compiled program on the device. */
export class Executable extends Resource {
  /**
   * Runs the program once and waits for it. Inputs whose memory the program takes over (`tf.aliasing_output`) are
   * dead afterwards, but their handles still have to be destroyed.
   *
   * @param outputs what the program returns, in order
   * @param doing what fails, should it: 'while …'
   */
  async execute(
    inputs: readonly DeviceBuffer[],
    outputs: readonly OutputSpec[],
    doing: string,
  ): Promise<DeviceBuffer[]> {
    const { api } = this.client;
    const outputHandles = int64s(outputs.map(() => 0n));
    const events = int64s([0n]);
    const values = {
      executable: this.handle,
      options: new Struct('PJRT_ExecuteOptions'),
      // One device: the lists of lists have one entry each.
      argument_lists: [int64s(inputs.map((buffer) => buffer.handle))],
      num_devices: 1,
      num_args: inputs.length,
      output_lists: [outputHandles],
      device_complete_events: events,
      execute_device: this.client.device,
    };
    await api.callAsync('PJRT_LoadedExecutable_Execute', values, doing);
    const results = outputs.map(
      ({ shape, type }, i) =>
        new DeviceBuffer(this.client, outputHandles.readBigUInt64LE(i * 8), shape, type),
    );
    try {
      await api.awaitEvent(events.readBigUInt64LE(0), doing);
    } catch (error) {
      for (const buffer of results) buffer.destroy();
      throw error;
    }
    return results;
  }

  /** The compiled program as bytes that `PjrtClient.deserialize` takes, on this platform and version. */
  serialize(): Buffer {
    const { api } = this.client;
    const doing = 'serializing the compiled program';
    const values = { loaded_executable: this.handle };
    const loaded = api.call('PJRT_LoadedExecutable_GetExecutable', values, doing);
    const executable = loaded.pointer('executable');
    try {
      const args = api.call('PJRT_Executable_Serialize', { executable }, doing);
      const size = args.number('serialized_bytes_size');
      const bytes = copyBytes(args.pointer('serialized_bytes'), size);
      const deleter = args.pointer('serialized_executable_deleter');
      koffi.decode(deleter, deleterPrototype)(args.pointer('serialized_executable'));
      return bytes;
    } finally {
      api.call('PJRT_Executable_Destroy', { executable }, doing);
    }
  }

  protected free(): void {
    const values = { executable: this.handle };
    this.client.api.call('PJRT_LoadedExecutable_Destroy', values, 'freeing a program');
  }
}
