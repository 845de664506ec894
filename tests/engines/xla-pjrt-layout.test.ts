import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  API_HEAD,
  FIELD_SIZES,
  type FieldType,
  FUNCTIONS,
  layoutOf,
  STRUCTS,
  type StructName,
} from '../../src/engines/xla/pjrt/layout.js';
import { cpuPlugin } from './xla-plugin.js';

const { plugin } = await cpuPlugin();
const header = plugin && join(dirname(plugin.path), 'include', 'pjrt_c_api.h');
const found = header !== undefined && existsSync(header);

/** The header without comments. */
const source = found
  ? readFileSync(header, 'utf8')
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .replace(/\/\/.*$/gm, '')
  : '';

/** Fields of a struct as the header declares them, after the common head: name and kind. */
function declared(struct: string): [string, FieldType][] {
  const body = new RegExp(`^struct ${struct} \\{\\n([\\s\\S]*?)\\n\\};`, 'm').exec(source)?.[1];
  if (body === undefined) throw new Error(`the header has no ${struct}`);
  const union = body.replace(/union \{[\s\S]*?\};/, 'void* value;');
  const fields = union
    .split(';')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '')
    .map((line): [string, FieldType] => {
      const pointerToFunction = /\(\*(\w+)\)\(/.exec(line)?.[1];
      if (pointerToFunction !== undefined) return [pointerToFunction, 'pointer'];
      const [, type, name] = /^(.*?)(\w+)$/.exec(line)!;
      return [name!, kindOf(type!.trim())];
    });
  expect(fields.slice(0, 2).map(([name]) => name)).toEqual(['struct_size', 'extension_start']);
  return fields.slice(2);
}

function kindOf(type: string): FieldType {
  if (type.endsWith('*') || /\*\s*const$/.test(type) || /Callback$/.test(type)) return 'pointer';
  if (type === 'size_t') return 'size';
  if (type === 'int64_t') return 'int64';
  // Everything else in these structs is an int or an enum.
  if (type === 'int' || new RegExp(`\\} ${type};`).test(source)) return 'int32';
  throw new Error(`unknown C type '${type}'`);
}

describe.skipIf(!found)(
  `PJRT struct table${found ? '' : ' (skipped: no header beside the plugin)'}`,
  () => {
    it.each(Object.keys(STRUCTS) as StructName[])('%s has the fields of the header', (name) => {
      expect(Object.entries(STRUCTS[name])).toEqual(declared(name));
    });

    it('counts the functions as the header does', () => {
      const names = [...source.matchAll(/_PJRT_API_STRUCT_FIELD\((PJRT_\w+)\);/g)].map((m) => m[1]);
      for (const [name, index] of Object.entries(FUNCTIONS)) expect(names[index]).toBe(name);
    });
  },
);

describe('PJRT struct offsets', () => {
  it('follow the alignment rules of C', () => {
    // Worked out by hand: an int32 and then pointers leaves four bytes of padding.
    const { fields, size } = layoutOf('PJRT_NamedValue');
    expect(fields.type?.offset).toBe(32);
    expect(fields.value?.offset).toBe(40);
    expect(size).toBe(56);
    expect(layoutOf('PJRT_Plugin_Initialize_Args').size).toBe(16);
  });

  it('put every field at a multiple of its size', () => {
    for (const name of Object.keys(STRUCTS) as StructName[]) {
      for (const { offset, type } of Object.values(layoutOf(name).fields)) {
        expect(offset % FIELD_SIZES[type]).toBe(0);
      }
    }
    expect(API_HEAD.functions).toBe(API_HEAD.minor + 4);
  });
});
