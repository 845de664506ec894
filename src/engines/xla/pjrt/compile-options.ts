/** An XLA debug option (`xla_gpu_…`) set for one program rather than through the environment. */
export type DebugOptions = Record<string, boolean | string>;

const VARINT = 0;
const BYTES = 2;

/**
 * A serialized `xla.CompileOptionsProto` for one replica on one device.
 *
 * `compile_portable_executable` leaves the device open until the program is run. The counts are not optional: XLA
 * aborts the process over a proto that leaves them at zero.
 */
export function compileOptions(debug: DebugOptions = {}): Buffer {
  const build = Buffer.concat([
    varintField(4, 1), // num_replicas
    varintField(5, 1), // num_partitions
  ]);
  const overrides = Object.entries(debug).map(([name, value]) => {
    const override =
      typeof value === 'string' ? bytesField(1, Buffer.from(value)) : varintField(2, Number(value));
    // A protobuf map is a repeated message of key and value.
    return bytesField(
      7,
      Buffer.concat([bytesField(1, Buffer.from(name)), bytesField(2, override)]),
    );
  });
  return Buffer.concat([
    bytesField(3, build), // executable_build_options
    varintField(4, 1), // compile_portable_executable
    ...overrides, // env_option_overrides
  ]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint((number << 3) | VARINT), varint(value)]);
}

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | BYTES), varint(bytes.length), bytes]);
}
