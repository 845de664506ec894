import { bytes, type Field, integer, mapEntry, varint } from '../../../protobuf.js';

/** An XLA debug option (`xla_gpu_…`) set for one program rather than through the environment. */
export type DebugOptions = Record<string, boolean | string>;

/**
 * A serialized `xla.CompileOptionsProto` for one replica on one device, or partitioned over several.
 *
 * `compile_portable_executable` leaves the device open until the program is run, which only one of one device can. The
 * counts are not optional: XLA aborts the process over a proto that leaves them at zero.
 *
 * @param devices ids of those that a program is partitioned over, in the order of its parts; of one alone it is left open
 */
export function compileOptions(debug: DebugOptions = {}, devices: readonly number[] = []): Buffer {
  const overrides = Object.entries(debug).map(([name, value]) =>
    mapEntry(7, name, [typeof value === 'string' ? bytes(1, value) : integer(2, value)]),
  );
  return Buffer.concat([
    // executable_build_options: num_replicas, num_partitions
    ...(devices.length > 1
      ? [bytes(3, ...partitioned(devices))]
      : [
          bytes(3, integer(4, 1), integer(5, 1)),
          integer(4, 1), // compile_portable_executable
        ]),
    ...overrides, // env_option_overrides
  ]);
}

function partitioned(devices: readonly number[]): Field[] {
  // replica_device_ids of one computation each
  const computations = devices.map((id) => bytes(3, bytes(1, varint(id))));
  return [
    integer(4, 1),
    integer(5, devices.length),
    integer(6, 1), // use_spmd_partitioning
    // device_assignment: replica_count, computation_count, computation_devices
    bytes(9, integer(1, 1), integer(2, devices.length), ...computations),
  ];
}
