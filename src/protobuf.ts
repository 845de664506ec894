/** The little of the protobuf wire format that writing takes: a GraphDef, XLA's options, an event of TensorBoard. */

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** An encoded field, or several in a row. */
export type Field = Buffer;

/** A number alone, as packed lists hold them. */
export function varint(value: number): Buffer {
  // Negative numbers are ten bytes of two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const key = (field: number, wire: number): Buffer => varint((field << 3) | wire);

/** An integer, an enum or a bool. */
export function integer(field: number, value: number | boolean): Field {
  return Buffer.concat([key(field, WIRE_VARINT), varint(Number(value))]);
}

export function float(field: number, value: number): Field {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, WIRE_FIXED32), bytes]);
}

export function double(field: number, value: number): Field {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, WIRE_FIXED64), bytes]);
}

/** A string, bytes, or a message given by its encoded fields. */
export function bytes(field: number, ...content: (string | Uint8Array)[]): Field {
  const body = Buffer.concat(content.map((part) => Buffer.from(part as Uint8Array)));
  return Buffer.concat([key(field, WIRE_BYTES), varint(body.length), body]);
}

/** A message of one map entry. */
export function mapEntry(field: number, name: string, value: readonly Field[]): Field {
  return bytes(field, bytes(1, name), bytes(2, ...value));
}
