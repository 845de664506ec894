import { bytes, integer, mapEntry } from '../../../protobuf.js';

/** An XLA debug option (`xla_gpu_…`) set for one program rather than through the environment. */
export type DebugOptions = Record<string, boolean | string>;

/**
 * A serialized `xla.CompileOptionsProto` for one replica on one device.
 *
 * `compile_portable_executable` leaves the device open until the program is run. The counts are not optional: XLA
 * aborts the process over a proto that leaves them at zero.
 */
export function compileOptions(debug: DebugOptions = {}): Buffer {
  const overrides = Object.entries(debug).map(([name, value]) =>
    mapEntry(7, name, [typeof value === 'string' ? bytes(1, value) : integer(2, value)]),
  );
  return Buffer.concat([
    // executable_build_options: num_replicas, num_partitions
    bytes(3, integer(4, 1), integer(5, 1)),
    integer(4, 1), // compile_portable_executable
    ...overrides, // env_option_overrides
  ]);
}
