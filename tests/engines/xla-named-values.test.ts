import { describe, expect, it } from 'vitest';
import { readString } from '../../src/engines/native/memory.js';
import { layoutOf } from '../../src/engines/xla/pjrt/layout.js';
import { namedValues, type OptionValue } from '../../src/engines/xla/pjrt/named-values.js';

const { size, fields } = layoutOf('PJRT_NamedValue');
const STRING = 0;
const INT64 = 1;
const INT64_LIST = 2;
const FLOAT = 3;
const BOOL = 4;

/** What C reads of the i-th of them: its name, type and value. */
function read(memory: Buffer, i: number): [string, number, OptionValue] {
  const at = (field: string) => i * size + fields[field]!.offset;
  const pointer = (field: string) => memory.readBigUInt64LE(at(field));
  const type = memory.readInt32LE(at('type'));
  const length = Number(pointer('value_size'));
  const name = readString(pointer('name'), Number(pointer('name_size')));
  const values: Record<number, () => OptionValue> = {
    [STRING]: () => readString(pointer('value'), length),
    [INT64]: () => Number(memory.readBigInt64LE(at('value'))),
    [INT64_LIST]: () => {
      const list = Buffer.from(readString(pointer('value'), length * 8), 'utf8');
      return Array.from({ length }, (_, k) => Number(list.readBigInt64LE(k * 8)));
    },
    [FLOAT]: () => memory.readFloatLE(at('value')),
    [BOOL]: () => memory.readUInt8(at('value')) === 1,
  };
  expect(memory.readBigUInt64LE(i * size)).toBe(BigInt(size));
  return [name, type, values[type]!()];
}

describe('options of a plugin', () => {
  it.each<[string, OptionValue, number]>([
    ['preallocate', false, BOOL],
    ['preallocate', true, BOOL],
    ['num_nodes', 3, INT64],
    ['node_id', -1, INT64],
    ['collective_memory_size', 2 ** 40, INT64],
    ['memory_fraction', 0.25, FLOAT],
    ['memory_fraction', 1, FLOAT],
    ['visible_devices', [0, 5], INT64_LIST],
    ['allocator', 'cuda_async', STRING],
    ['platform_name', 'é', STRING],
  ])('%s=%j is of the type %i', (name, value, type) => {
    const { memory, count, kept } = namedValues({ first: true, [name]: value });
    expect(count).toBe(2);
    expect(read(memory, 1)).toEqual([name, type, value]);
    expect(kept).toHaveLength(2);
  });

  it('may be none', () => {
    expect(namedValues({}).count).toBe(0);
  });
});
