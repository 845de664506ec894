import { addressOf, allocate, int64s, type Memory, readString } from '../../native/memory.js';
import { layoutOf, type STRUCTS, type StructLayout, type StructName } from './layout.js';

/**
 * Zeroed bytes declared beyond the struct this code knows. A plugin refuses a `struct_size` below that of its own
 * header and accepts a larger one, so that a newer plugin, which appended fields, finds them present and null.
 */
const SPARE_BYTES = 128;

const layouts = new Map<StructName, StructLayout>();

type FieldOf<Name extends StructName> = keyof (typeof STRUCTS)[Name] & string;
/** Several memories: an array of pointers to them. */
type FieldValue = bigint | number | Memory | readonly Memory[] | Struct<StructName>;
export type FieldValues<Name extends StructName> = Partial<Record<FieldOf<Name>, FieldValue>>;

/** One C struct of the PJRT API: zeroed, its `struct_size` set, its fields set and read by name. */
export class Struct<Name extends StructName> {
  readonly memory: Buffer;
  private readonly layout: StructLayout;
  // What a field points to has to live as long as the struct.
  private readonly referenced = new Map<string, unknown>();
  private readonly arrays: Memory[] = [];

  constructor(name: Name, values: FieldValues<Name> = {}) {
    let layout = layouts.get(name);
    if (layout === undefined) {
      layout = layoutOf(name);
      layouts.set(name, layout);
    }
    this.layout = layout;
    const size = name.endsWith('_Args') ? layout.size + SPARE_BYTES : layout.size;
    this.memory = allocate(size);
    this.memory.writeBigUInt64LE(BigInt(size), 0);
    for (const [field, value] of Object.entries(values) as [FieldOf<Name>, FieldValue][]) {
      this.set(field, value);
    }
  }

  get address(): bigint {
    return addressOf(this.memory);
  }

  set(field: FieldOf<Name>, value: FieldValue): void {
    const { offset, type } = this.field(field);
    if (typeof value === 'object') {
      this.referenced.set(field, value);
      const memory = this.memoryOf(value);
      this.memory.writeBigUInt64LE(memory.byteLength === 0 ? 0n : addressOf(memory), offset);
    } else if (type === 'int32') {
      this.memory.writeInt32LE(Number(value), offset);
    } else {
      this.memory.writeBigUInt64LE(BigInt(value), offset);
    }
  }

  /** A pointer; 0n is null. */
  pointer(field: FieldOf<Name>): bigint {
    return this.memory.readBigUInt64LE(this.field(field).offset);
  }

  number(field: FieldOf<Name>): number {
    const { offset, type } = this.field(field);
    if (type === 'int32') return this.memory.readInt32LE(offset);
    if (type === 'int64') return Number(this.memory.readBigInt64LE(offset));
    return Number(this.memory.readBigUInt64LE(offset));
  }

  /** The string that a pointer field and a size field describe. */
  string(pointer: FieldOf<Name>, size: FieldOf<Name>): string {
    return readString(this.pointer(pointer), this.number(size));
  }

  private memoryOf(value: Exclude<FieldValue, bigint | number>): Memory {
    if (value instanceof Struct) return value.memory;
    if (ArrayBuffer.isView(value)) return value;
    const pointers = int64s(value.map(addressOf));
    this.arrays.push(pointers);
    return pointers;
  }

  private field(name: string): StructLayout['fields'][string] {
    const field = this.layout.fields[name];
    if (field === undefined) throw new Error(`no field ${name} in this struct`);
    return field;
  }
}
