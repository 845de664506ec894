import koffi from '../../../machine/koffi.js';
import { addressOf, copyBytes, inMemory, int64s } from '../../native/memory.js';
import { DeviceBuffer } from './buffer.js';
import type { Device, Resource } from './device.js';
import type { ElementType } from './layout.js';
import { Struct } from './struct.js';

/** Shape and element type of one output. */
export interface OutputSpec {
  shape: readonly number[];
  type: ElementType;
}

const deleterPrototype = koffi.proto('void PjrtSerializedDeleter(void *serialized)');

/** A compiled program on the device. */
export class Executable implements Resource {
  private destroyed = false;

  constructor(
    private readonly client: Device,
    readonly handle: bigint,
  ) {
    client.adoptExecutable(this);
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
    outputs: readonly OutputSpec[],
    doing: string,
  ): Promise<DeviceBuffer[]> {
    const { api } = this.client;
    const inputHandles = int64s(inputs.map((buffer) => buffer.handle));
    const outputHandles = int64s(outputs.map(() => 0n));
    const events = int64s([0n]);
    // One device: the lists of lists have one entry each.
    const inputLists = int64s([addressOf(inputHandles)]);
    const outputLists = int64s([addressOf(outputHandles)]);
    const args = new Struct('PJRT_LoadedExecutable_Execute_Args', {
      executable: this.handle,
      options: new Struct('PJRT_ExecuteOptions'),
      argument_lists: inputLists,
      num_devices: 1,
      num_args: inputs.length,
      output_lists: outputLists,
      device_complete_events: events,
      execute_device: this.client.device,
    });
    args.hold(inputHandles);
    args.hold(outputHandles);
    await api.callAsync('PJRT_LoadedExecutable_Execute', args, doing);
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
    const loaded = new Struct('PJRT_LoadedExecutable_GetExecutable_Args', {
      loaded_executable: this.handle,
    });
    api.call('PJRT_LoadedExecutable_GetExecutable', loaded, doing);
    const executable = loaded.pointer('executable');
    try {
      const args = new Struct('PJRT_Executable_Serialize_Args', { executable });
      api.call('PJRT_Executable_Serialize', args, doing);
      const bytes = copyBytes(
        args.pointer('serialized_bytes'),
        args.number('serialized_bytes_size'),
      );
      koffi.decode(
        args.pointer('serialized_executable_deleter'),
        deleterPrototype,
      )(args.pointer('serialized_executable'));
      return bytes;
    } finally {
      api.call(
        'PJRT_Executable_Destroy',
        new Struct('PJRT_Executable_Destroy_Args', { executable }),
        doing,
      );
    }
  }

  /** Safe to call twice. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.client.forget(this);
    const args = new Struct('PJRT_LoadedExecutable_Destroy_Args', { executable: this.handle });
    this.client.api.call('PJRT_LoadedExecutable_Destroy', args, 'freeing a program');
  }
}

/** Compiles StableHLO text on a thread of its own. */
export async function compile(
  client: Device,
  program: string,
  options: Buffer,
): Promise<Executable> {
  const format = inMemory(Buffer.from('mlir'));
  const code = inMemory(Buffer.from(program));
  const optionBytes = inMemory(options);
  const args = new Struct('PJRT_Client_Compile_Args', {
    client: client.handle,
    program: new Struct('PJRT_Program', {
      code,
      code_size: code.length,
      format,
      format_size: format.length,
    }),
    compile_options: optionBytes,
    compile_options_size: optionBytes.length,
  });
  await client.api.callAsync('PJRT_Client_Compile', args, 'compiling the program');
  return new Executable(client, args.pointer('executable'));
}

/** Loads a serialized program. */
export async function deserialize(client: Device, bytes: Buffer): Promise<Executable> {
  const serialized = inMemory(bytes);
  const args = new Struct('PJRT_Executable_DeserializeAndLoad_Args', {
    client: client.handle,
    serialized_executable: serialized,
    serialized_executable_size: serialized.length,
  });
  await client.api.callAsync(
    'PJRT_Executable_DeserializeAndLoad',
    args,
    'loading a compiled program',
  );
  return new Executable(client, args.pointer('loaded_executable'));
}
