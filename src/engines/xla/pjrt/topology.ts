import type { MemoryUse } from '../../kind.js';
import { inMemory } from '../../native/memory.js';
import type { PjrtApi } from './api.js';
import { memoryUse } from './memory-use.js';
import { namedValues, type PluginOptions } from './named-values.js';
import { programArguments } from './program.js';

/** Devices that are described and needn't be there: programs can be compiled for them, and not run. */
export class Topology {
  private constructor(
    private readonly api: PjrtApi,
    private handle: bigint,
  ) {}

  /** @throws RethinkError where the plugin doesn't know such devices. */
  static create(api: PjrtApi, name: string, options: PluginOptions): Topology {
    const nameBytes = inMemory(Buffer.from(name));
    const { memory, count, kept } = namedValues(options);
    const values = {
      topology_name: nameBytes,
      topology_name_size: nameBytes.length,
      create_options: memory,
      num_options: count,
    };
    const args = api.call('PJRT_TopologyDescription_Create', values, 'describing the device');
    // They hold what the options point to, until here.
    kept.length = 0;
    return new Topology(api, args.pointer('topology'));
  }

  /** Compiles StableHLO text on a thread of its own. @param options serialized CompileOptions */
  async compile(program: string, options: Buffer): Promise<MemoryUse | null> {
    const { api } = this;
    const values = { topology: this.handle, ...programArguments(program, options) };
    const args = await api.callAsync('PJRT_Compile', values, 'compiling the program');
    const executable = args.pointer('executable');
    try {
      return memoryUse(api, executable);
    } finally {
      api.call('PJRT_Executable_Destroy', { executable }, 'freeing a program');
    }
  }

  /** Safe to call twice. */
  close(): void {
    if (this.handle === 0n) return;
    const { handle } = this;
    this.handle = 0n;
    this.api.call('PJRT_TopologyDescription_Destroy', { topology: handle }, 'stopping');
  }
}
