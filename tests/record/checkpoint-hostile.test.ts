import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checkpointAt, META } from './fake-run.js';
import { anatomy, DIGEST_AT, forge, type Json, saved } from './forge.js';
import { errorOf } from './helpers.js';

describe('loadCheckpoint on a hostile file with a digest that fits', () => {
  const kernel = 'param/dense/kernel';
  const refused: [what: string, change: (header: Json) => unknown, message: RegExp][] = [
    [
      'overlapping tensors',
      (h) => (h['velocity/dense/kernel'].data_offsets = [0, 24]),
      /says bytes \[0,24\]/,
    ],
    ['a gap', (h) => (h['velocity/dense/kernel'].data_offsets = [28, 52]), /means 24 to 48/],
    ['an end before the beginning', (h) => (h[kernel].data_offsets = [24, 0]), /means 0 to 24/],
    [
      'offsets beyond the file',
      (h) => (h['statistic/bn/mean'] = { dtype: 'F32', shape: [99], data_offsets: [48, 444] }),
      /444 bytes and its data 52/,
    ],
    ['offsets past 2^53', (h) => (h[kernel].data_offsets = [0, 2 ** 60]), /means 0 to 24/],
    ['a third offset', (h) => h[kernel].data_offsets.push(1), /no data_offsets/],
    ['a shape of another size', (h) => (h[kernel].shape = [3, 3]), /means 0 to 36/],
    ['a negative side', (h) => (h[kernel].shape = [-2, -3]), /impossible shape/],
    ['a broken side', (h) => (h[kernel].shape = [1.5, 4]), /impossible shape/],
    ['a shape past memory', (h) => (h[kernel].shape = [2 ** 40, 2 ** 40]), /impossible shape/],
    ['a zero beside huge sides', (h) => (h[kernel].shape = [2 ** 52, 2 ** 52, 0]), /means 0 to 0/],
    ['many dimensions', (h) => (h[kernel].shape = [2, 3, 1, 1, 1, 1, 1, 1, 1]), /impossible shape/],
    ['a shape that is text', (h) => (h[kernel].shape = '23'), /impossible shape/],
    ['another dtype', (h) => (h[kernel].dtype = 'F64'), /dtype "F64"/],
    ['an unknown field', (h) => (h[kernel].extra = 1), /not described by/],
    ['a tensor that is null', (h) => (h[kernel] = null), /not described by/],
    ['a name that climbs', (h) => rename(h, '../../etc/passwd'), /not a name of a tensor/],
    ['a name with a line feed', (h) => rename(h, 'param/\n'), /not a name of a tensor/],
    ['the name of a method', (h) => rename(h, 'constructor'), /not a name of a tensor/],
    [
      'metadata that is not text',
      (h) => (h.__metadata__.progress = {}),
      /"progress" is not a string/,
    ],
    ['another format', (h) => (h.__metadata__.format = 'other'), /in format "other"/],
    ['no progress', (h) => delete h.__metadata__.progress, /\(progress\) is damaged/],
    ['progress that is no JSON', (h) => (h.__metadata__.progress = '{'), /not valid JSON/],
    [
      'progress of the wrong type',
      (h) => (h.__metadata__.progress = '{"epoch":"1"}'),
      /\(progress\) is damaged: epoch/,
    ],
    ['no meta', (h) => delete h.__metadata__.meta, /\(meta\) is damaged/],
  ];

  function rename(header: Json, name: string): void {
    header[name] = header['statistic/bn/mean'];
    delete header['statistic/bn/mean'];
  }

  it.each(refused)('refuses %s', (_what, change, message) => {
    const { path, bytes } = saved();
    const { header, data } = anatomy(bytes);
    change(header);
    forge(path, header, data);
    const error = errorOf(() => loadCheckpoint(path));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(500);
  });

  it('forges well: an unchanged header is taken', () => {
    const { path, bytes } = saved();
    const { header, data } = anatomy(bytes);
    forge(path, header, data);
    expect(loadCheckpoint(path).checkpoint).toEqual(checkpointAt(1));
  });

  it('refuses names given twice and names that reach for prototypes', () => {
    const { path, bytes } = saved();
    const { header, data } = anatomy(bytes);
    const text = JSON.stringify(header);
    const mean = JSON.stringify(header['statistic/bn/mean']);
    forge(path, text.replace(/}$/, `,"statistic/bn/mean":${mean}}`), data);
    expect(errorOf(() => loadCheckpoint(path)).message).toContain('not as it was written');
    forge(path, text.replace('"statistic/bn/mean"', '"__proto__"'), data);
    expect(errorOf(() => loadCheckpoint(path)).message).toContain('"__proto__" is not a name');
    expect(({} as Json).dtype).toBeUndefined();
  });

  it('refuses a header that claims to be larger than the file, or than any header', () => {
    const { path, bytes } = saved();
    for (const claim of [BigInt(bytes.length), 2n ** 31n, 2n ** 53n, 2n ** 64n - 1n]) {
      const lie = Buffer.from(bytes);
      lie.writeBigUInt64LE(claim);
      writeFileSync(path, lie);
      expect(errorOf(() => loadCheckpoint(path)).message).toContain(
        `claims to have ${claim} bytes`,
      );
    }
    // A file of 20 GiB that takes no room on the disk.
    truncateSync(path, 20 * 2 ** 30);
    expect(errorOf(() => loadCheckpoint(path)).message).toContain('more than');
  });

  it('refuses a header nested too deeply to be walked', () => {
    const { path, bytes } = saved();
    const { header, data } = anatomy(bytes);
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    forge(path, JSON.stringify(header).replace(/}$/, `,"param/deep":${deep}}`), data);
    expect(errorOf(() => loadCheckpoint(path)).kind).toBe('data');
  });

  it('refuses the tensors of another model before their data is read', () => {
    const { path } = saved();
    const specs = Object.entries(checkpointAt(1).state).map(([name, { shape }]) => ({
      name,
      shape,
    }));
    expect(loadCheckpoint(path, specs).meta).toEqual(META);
    const more = [...specs, { name: 'param/new', shape: [1] }];
    expect(errorOf(() => loadCheckpoint(path, more)).message).toContain('param/new is missing');
    expect(errorOf(() => loadCheckpoint(path, specs.slice(1))).message).toContain(
      '3 tensors instead of 2',
    );
    const other = specs.map(({ name }) => ({ name, shape: [9] }));
    expect(errorOf(() => loadCheckpoint(path, other)).message).toContain(
      'has shape [2×3] and should have [9]',
    );
  });

  it('answers any change of any bytes with an error, and nothing else', () => {
    const { path, bytes } = saved();
    const { header, data } = anatomy(bytes);
    const text = JSON.stringify(header);
    const edits = fc.array(
      fc.tuple(fc.nat(text.length), fc.nat(12), fc.string({ unit: 'binary', maxLength: 12 })),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(edits, fc.nat(data.length), (changes, dataSize) => {
        let changed = text;
        for (const [at, gone, put] of changes) {
          const from = Math.max(at, DIGEST_AT - 8 + 65);
          changed = changed.slice(0, from) + put + changed.slice(from + gone);
        }
        forge(path, changed, data.subarray(0, dataSize));
        try {
          const { checkpoint } = loadCheckpoint(path);
          for (const { shape, data: values } of Object.values(checkpoint.state)) {
            expect(shape.reduce((a, b) => a * b, 1)).toBe(values.length);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RethinkError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('answers arbitrary JSON headers with an error, and nothing else', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    const { header } = anatomy(saved().bytes);
    const headers = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(headers, fc.uint8Array(), (extra, data) => {
        forge(path, { __metadata__: header.__metadata__, ...extra }, Buffer.from(data));
        expect(errorOf(() => loadCheckpoint(path)).kind).toBe('data');
      }),
      { numRuns: 500 },
    );
  });
});
