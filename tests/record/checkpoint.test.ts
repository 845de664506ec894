import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { checkpointPath, loadCheckpoint, saveCheckpoint } from '../../src/record/checkpoint.js';
import { checkpointAt, META } from './fake-run.js';
import { DISK_ERRORS, errorOf, failFrom, temporaryFolder } from './helpers.js';

const DIGEST_AT = 8 + '{"__metadata__":{"sha256":"'.length;

function saved(epoch = 1): { folder: string; path: string; bytes: Buffer } {
  const folder = temporaryFolder();
  saveCheckpoint(folder, 'last', checkpointAt(epoch), META);
  const path = checkpointPath(folder, 'last');
  return { folder, path, bytes: readFileSync(path) };
}

/** A file with this header and data and a digest that fits: hostile, not damaged. */
function forge(path: string, header: string | object, data: Buffer): void {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = Buffer.concat([Buffer.alloc(8), json, data]);
  file.writeBigUInt64LE(BigInt(json.length));
  const digest = createHash('sha256').update(file).digest('hex');
  file.write(digest, DIGEST_AT, 'latin1');
  writeFileSync(path, file);
}

// biome-ignore lint/suspicious/noExplicitAny: forgeries put anything anywhere.
type Json = Record<string, any>;

/** The header of a good checkpoint, digest blank, and its data, to change one thing in. */
function anatomy(bytes: Buffer): { header: Json; data: Buffer } {
  const dataAt = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, dataAt)) as Json;
  header.__metadata__.sha256 = '0'.repeat(64);
  return { header, data: bytes.subarray(dataAt) };
}

describe('saveCheckpoint and loadCheckpoint', () => {
  it('give back the same bits', () => {
    const { path } = saved();
    expect(loadCheckpoint(path)).toEqual({ checkpoint: checkpointAt(1), meta: META });
  });

  it('keep numbers that are not finite, in tensors and in progress', () => {
    const folder = temporaryFolder();
    const checkpoint = checkpointAt(1);
    const odd = [Number.NaN, Infinity, -Infinity, -0, 1e-45, 3.4e38];
    checkpoint.state['param/dense/kernel']!.data.set(odd);
    checkpoint.progress.best!.test_loss = Number.NaN;
    checkpoint.progress.last!.train_loss = Infinity;
    checkpoint.progress.trainSeconds = -Infinity;
    checkpoint.progress.reached['loss_0.1'] = { epoch: 1, step: 2, seconds: 0.1 + 0.2 };
    saveCheckpoint(folder, 'best', checkpoint, META);
    expect(loadCheckpoint(checkpointPath(folder, 'best')).checkpoint).toEqual(checkpoint);
  });

  it('take scalars, empty tensors and tensors that are views', () => {
    const folder = temporaryFolder();
    const checkpoint = checkpointAt(1);
    checkpoint.state = {
      'param/scalar': { shape: [], data: new Float32Array([7]) },
      'param/none': { shape: [0, 5], data: new Float32Array() },
      'param/view': { shape: [2], data: Float32Array.from([1, 2, 3, 4]).subarray(1, 3) },
    };
    saveCheckpoint(folder, 'last', checkpoint, META);
    const { state } = loadCheckpoint(checkpointPath(folder, 'last')).checkpoint;
    expect(state).toEqual({
      ...checkpoint.state,
      'param/view': { shape: [2], data: Float32Array.from([2, 3]) },
    });
  });

  it('lay the file out as safetensors does', () => {
    const { bytes } = saved();
    const { header, data } = anatomy(bytes);
    expect((bytes.length - data.length) % 8).toBe(0);
    expect(header['velocity/dense/kernel']).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data_offsets: [24, 48],
    });
    expect(data.length).toBe(52);
    expect(data.readFloatLE(4)).toBe(2);
    for (const text of Object.values(header.__metadata__)) expect(text).toBeTypeOf('string');
  });

  it('refuse to write what could not be read back', () => {
    const folder = temporaryFolder();
    const save = (state: object) => () =>
      saveCheckpoint(folder, 'last', { ...checkpointAt(1), state: { ...state } }, META);
    expect(save({ '../x': { shape: [], data: new Float32Array(1) } })).toThrow(TypeError);
    expect(save({ 'param/x': { shape: [2], data: new Float32Array(1) } })).toThrow(TypeError);
    expect(readdirSync(folder)).toEqual([]);
  });

  describe.each(DISK_ERRORS)('%s', (code, words) => {
    it('at each boundary of the write leaves a checkpoint that can be read', () => {
      const { folder, path } = saved(1);
      const { seen } = failFrom(Number.POSITIVE_INFINITY, code);
      saveCheckpoint(folder, 'last', checkpointAt(1), META);
      const boundaries = seen.length;
      expect(boundaries).toBeGreaterThan(6);
      for (let n = 1; n <= boundaries; n++) {
        failFrom(n, code);
        const error = errorOf(() => saveCheckpoint(folder, 'last', checkpointAt(2), META));
        expect(error.message).toBe(`Could not write ${path}: ${words}.`);
        const { epoch } = loadCheckpoint(path).checkpoint.progress;
        // Only the folder's own sync comes after the rename.
        expect(epoch).toBe(n === boundaries ? 2 : 1);
        expect(readdirSync(folder)).toEqual(['last.safetensors']);
      }
    });
  });
});

describe('loadCheckpoint on a damaged file', () => {
  it('refuses every single flipped bit', () => {
    const { path, bytes } = saved();
    const fd = openSync(path, 'r+');
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        writeSync(fd, Buffer.from([bytes[at]! ^ (1 << bit)]), 0, 1, at);
        const error = errorOf(() => loadCheckpoint(path));
        expect(error.kind === 'data' && error.message.includes(path)).toBe(true);
      }
      writeSync(fd, bytes, at, 1, at);
    }
    closeSync(fd);
    expect(loadCheckpoint(path).checkpoint).toEqual(checkpointAt(1));
  });

  it('refuses every truncation, and anything behind the end', () => {
    const { path, bytes } = saved();
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]));
    expect(errorOf(() => loadCheckpoint(path)).message).toMatch(/52 bytes and its data 53/);
    for (let size = bytes.length - 1; size >= 0; size--) {
      truncateSync(path, size);
      expect(errorOf(() => loadCheckpoint(path)).kind).toBe('data');
    }
  });

  it('says what a missing file, a folder and another kind of file are', () => {
    const folder = temporaryFolder();
    const missing = join(folder, 'no.safetensors');
    expect(errorOf(() => loadCheckpoint(missing)).message).toBe(`There is no file ${missing}.`);
    expect(errorOf(() => loadCheckpoint(folder)).message).toContain('not a regular file');
    writeFileSync(missing, `${'\0'.repeat(8)}${'x'.repeat(200)}`);
    expect(errorOf(() => loadCheckpoint(missing)).message).toContain('not a checkpoint');
  });

  it.skipIf(process.platform === 'win32')('does not wait for a named pipe', () => {
    const pipe = join(temporaryFolder(), 'pipe.safetensors');
    execFileSync('mkfifo', [pipe]);
    expect(errorOf(() => loadCheckpoint(pipe)).message).toContain('not a regular file');
  });
});

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

it('keeps last and best apart', () => {
  const folder = join(temporaryFolder(), 'checkpoints');
  mkdirSync(folder);
  saveCheckpoint(folder, 'best', checkpointAt(1), META);
  expect(existsSync(checkpointPath(folder, 'last'))).toBe(false);
  saveCheckpoint(folder, 'last', checkpointAt(2), META);
  expect(loadCheckpoint(checkpointPath(folder, 'best')).checkpoint.progress.epoch).toBe(1);
  expect(loadCheckpoint(checkpointPath(folder, 'last')).checkpoint.progress.epoch).toBe(2);
});
