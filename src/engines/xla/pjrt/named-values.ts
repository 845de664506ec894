import { allocate, inMemory, int64s } from '../../native/memory.js';
import { layoutOf, NAMED_VALUE_TYPES, type NamedValueType } from './layout.js';
import { Struct } from './struct.js';

/** Options of a plugin by name: each plugin has its own, and refuses one that it doesn't know or of another type. */
export type PluginOptions = Readonly<Record<string, OptionValue>>;
export type OptionValue = boolean | number | string | readonly number[];

/** Numbers that a plugin wants as float although they may be whole. */
const FLOATS = new Set(['memory_fraction']);

function typeOf(name: string, value: OptionValue): NamedValueType {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'object') return 'int64List';
  return FLOATS.has(name) || !Number.isInteger(value) ? 'float' : 'int64';
}

/** An array of `PJRT_NamedValue`, one after the other; `kept` holds the names and values that `memory` points to. */
export function namedValues(options: PluginOptions) {
  const entries = Object.entries(options);
  const { size } = layoutOf('PJRT_NamedValue');
  const kept = entries.map(([name, value]) => namedValue(name, value));
  const memory = allocate(size * entries.length);
  for (const [i, struct] of kept.entries()) struct.memory.copy(memory, i * size);
  return { count: entries.length, memory, kept };
}

function namedValue(name: string, value: OptionValue): Struct<'PJRT_NamedValue'> {
  const nameBytes = inMemory(Buffer.from(name));
  const type = typeOf(name, value);
  const struct = new Struct('PJRT_NamedValue', {
    name: nameBytes,
    name_size: nameBytes.length,
    type: NAMED_VALUE_TYPES[type],
    value_size: 1,
  });
  if (typeof value === 'string') {
    const text = inMemory(Buffer.from(value));
    struct.set('value', text);
    struct.set('value_size', text.length);
  } else if (typeof value === 'object') {
    struct.set('value', int64s(value));
    struct.set('value_size', value.length);
  } else {
    const { offset } = layoutOf('PJRT_NamedValue').fields.value!;
    if (type === 'float') struct.memory.writeFloatLE(Number(value), offset);
    else struct.memory.writeBigInt64LE(BigInt(value), offset);
  }
  return struct;
}
