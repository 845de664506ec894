import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { type Header, pack } from 'tar-stream';
import { expect } from 'vitest';
import { PUBLISHED } from '../../src/data/published/catalog.js';
import type {
  CifarForm,
  CifarPythonForm,
  Form,
  IdxForm,
  OfficialFile,
  ParquetForm,
  PublishedSpec,
} from '../../src/data/published/types.js';
import type { DataSource, ImageRecord, SplitName } from '../../src/data/types.js';
import { RethinkError } from '../../src/errors.js';
import { Random } from '../../src/random.js';

/** A file of the real data that tests may use, or `undefined` where this machine has none. */
export function realData(file: string): string | undefined {
  const folder =
    process.env.RETHINK_GEN_TEST_DATA ?? resolve(import.meta.dirname, '../../../shared/data');
  const path = join(folder, file);
  return existsSync(path) ? path : undefined;
}

export type TarItem = Partial<Header> & { name: string; content?: Uint8Array | string };

export async function tarOf(items: TarItem[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of items) {
    archive.entry(header, content === undefined ? '' : Buffer.from(content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Writes a tar, gzipped where the name ends in gz, and returns its path. */
export async function writeTar(path: string, items: TarItem[]): Promise<string> {
  const tar = await tarOf(items);
  return write(path, path.endsWith('gz') ? gzipSync(tar) : tar);
}

export function write(path: string, content: Uint8Array | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** The official form of a CIFAR. */
export function cifarForm({ forms: [form] }: PublishedSpec): CifarForm {
  if (form.layout !== 'cifar') throw new TypeError(`${form.layout} is not CIFAR's layout`);
  return form;
}

/** The official form of a CIFAR for Python. */
export function cifarPythonForm({ forms }: PublishedSpec): CifarPythonForm {
  return forms.find((form) => form.layout === 'cifar-python') as CifarPythonForm;
}

/** The official form of MNIST or Fashion-MNIST. */
export function idxForm({ forms: [form] }: PublishedSpec): IdxForm {
  if (form.layout !== 'idx') throw new TypeError(`${form.layout} is not MNIST's layout`);
  return form;
}

/** CIFAR with so few records that a test can make them: 5 files of `perPart` and a test file of the same length. */
export function smallCifar(name: 'cifar10' | 'cifar100', perPart: number): PublishedSpec {
  const spec = PUBLISHED[name];
  const train = cifarForm(spec).parts.filter((part) => part.split === 'train').length * perPart;
  const [first, ...others] = spec.forms.map((form) => {
    if (!('parts' in form)) return form;
    return { ...form, parts: form.parts.map((part) => ({ ...part, records: perPart })) };
  }) as PublishedSpec['forms'] & Form[];
  return { ...spec, counts: { train, test: perPart }, forms: [first!, ...others] };
}

/** A CIFAR that is published as another archive. */
export function withArchive(spec: PublishedSpec, archive: OfficialFile): PublishedSpec {
  const [, ...others] = spec.forms;
  return { ...spec, forms: [{ ...cifarForm(spec), files: [archive] }, ...others] };
}

/** A CIFAR whose authors publish these records. */
export function publishedAs(
  spec: PublishedSpec,
  records: Record<SplitName, { label: number; image: Uint8Array }[]>,
): PublishedSpec {
  const [, ...others] = spec.forms;
  const form = cifarForm(spec);
  const files = cifarFiles(spec, records);
  const md5 = (file: string) => createHash('md5').update(files.get(file)!).digest('hex');
  const parts = form.parts.map((part) => ({ ...part, md5: md5(part.file) }));
  return { ...spec, forms: [{ ...form, parts }, ...others] };
}

/** A Parquet file as Hugging Face lays them out: encoded images and labels. */
export async function parquetFile(
  form: ParquetForm,
  rows: readonly { label: number; image: Uint8Array }[],
  rowGroupSize = 4,
): Promise<Buffer> {
  const images = rows.map(async ({ image }) => ({ bytes: await png(image, 32, 32), path: null }));
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: form.image, data: await Promise.all(images) },
      { name: form.label, data: rows.map(({ label }) => BigInt(label)) },
    ],
    schema: [
      { name: 'root', num_children: 2 },
      { name: form.image, num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: form.label, type: 'INT64', repetition_type: 'OPTIONAL' },
    ],
    rowGroupSize,
  });
  return Buffer.from(buffer);
}

/** Hugging Face's form of a CIFAR. */
export function parquetForm({ forms }: PublishedSpec): ParquetForm {
  return forms.find((form) => form.layout === 'parquet') as ParquetForm;
}

/** MNIST or Fashion-MNIST with few records. */
export function smallIdx(
  name: 'mnist' | 'fashion-mnist',
  train: number,
  test: number,
): PublishedSpec {
  return { ...PUBLISHED[name], counts: { train, test } };
}

/** Bytes that look random and are the same every time. */
export function noise(length: number, seed: number): Uint8Array {
  const random = new Random(seed, 'test-noise');
  return Uint8Array.from({ length }, () => random.uint32() & 255);
}

/** The official CIFAR files of any images: by file name. Images are [height, width, channels]. */
export function cifarFiles(
  spec: PublishedSpec,
  records: Record<SplitName, { label: number; image: Uint8Array }[]>,
): Map<string, Buffer> {
  const left = { train: [...records.train], test: [...records.test] };
  const area = spec.height * spec.width;
  const files = new Map<string, Buffer>();
  const { parts, labelBytes, coarse } = cifarForm(spec);
  for (const part of parts) {
    const bytes = left[part.split].splice(0, part.records).flatMap(({ label, image }) => {
      const planes = [0, 1, 2].map((c) =>
        Array.from({ length: area }, (_, i) => image[3 * i + c]!),
      );
      return [...(labelBytes === 2 ? [coarse![label]!] : []), label, ...planes.flat()];
    });
    files.set(part.file, Buffer.from(bytes));
  }
  return files;
}

/** The same images as the files of the version for Python: pickles as Python 2 wrote them, by file name. */
export function cifarPythonFiles(
  spec: PublishedSpec,
  records: Record<SplitName, { label: number; image: Uint8Array }[]>,
): Map<string, Buffer> {
  const { parts, labels } = cifarPythonForm(spec);
  const binary = [...cifarFiles(spec, records).values()];
  const { labelBytes } = cifarForm(spec);
  return new Map(
    parts.map((part, i) => {
      const bytes = binary[i]!;
      const length = bytes.length / part.records;
      const rows = Array.from({ length: part.records }, (_, r) =>
        bytes.subarray(r * length, (r + 1) * length),
      );
      const planes = Buffer.concat(rows.map((row) => row.subarray(labelBytes)));
      const numbers = rows.map((row) => row[labelBytes - 1]!);
      const shape = [part.records, length - labelBytes];
      return [part.file, pickledCifar({ data: { shape, planes }, [labels]: numbers })];
    }),
  );
}

/** A dictionary of one array and lists of numbers, in protocol 2. */
export function pickledCifar(content: {
  data: { shape: number[]; planes: Buffer };
  [labels: string]: number[] | { shape: number[]; planes: Buffer };
}): Buffer {
  const int = (n: number) =>
    Buffer.from(['J'.charCodeAt(0), ...new Uint8Array(Int32Array.of(n).buffer)]);
  const text = (value: string) =>
    Buffer.concat([Buffer.from(`U${String.fromCharCode(value.length)}`), Buffer.from(value)]);
  const parts = Object.entries(content).flatMap(([key, value]) => {
    if (Array.isArray(value)) {
      return [text(key), Buffer.from(']('), ...value.map(int), Buffer.from('e')];
    }
    const { shape, planes } = value;
    return [
      text(key),
      Buffer.from('cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01('),
      ...shape.map(int),
      Buffer.from('tcnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNN'),
      int(-1),
      int(-1),
      Buffer.from('K\x00tbI00\nT'),
      Buffer.from(Uint32Array.of(planes.length).buffer),
      planes,
      Buffer.from('tb'),
    ];
  });
  return Buffer.concat([Buffer.from([0x80, 2]), Buffer.from('}('), ...parts, Buffer.from('u.')]);
}

/** A .npy file as NumPy lays it out. */
export function npy(
  descr: string,
  shape: string,
  data: Uint8Array,
  { version = 1, fortran = false } = {},
) {
  const order = fortran ? 'True' : 'False';
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0]);
  return Buffer.concat([magic, length, Buffer.from(text), data]);
}

/** A tree of six images of two classes, 8×8, each of one color; `red` is added to their red. */
export async function writeSixImages(folder: string, red = 0): Promise<void> {
  for (const [name, r] of [
    ['train/a/1', 10],
    ['train/a/2', 60],
    ['train/b/1', 120],
    ['train/b/2', 180],
    ['test/a/1', 30],
    ['test/b/1', 200],
  ] as const) {
    write(join(folder, `${name}.png`), await plain(8, 8, { r: r + red, g: 50, b: 255 - r }));
  }
}

/** Made-up records for a small CIFAR: label of example i is i modulo the classes. */
export function noiseRecords(spec: PublishedSpec): Record<SplitName, ImageRecord[]> {
  const bytes = spec.height * spec.width * spec.channels;
  const make = (count: number, seed: number) =>
    Array.from({ length: count }, (_, index) => ({
      index,
      label: (index * 7 + seed) % spec.classes.length,
      image: noise(bytes, 1000 * seed + index),
    }));
  return { train: make(spec.counts.train, 1), test: make(spec.counts.test, 2) };
}

/** An idx file of unsigned bytes. */
export function idxFile(shape: number[], bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length, 0);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, bytes]);
}

export function png(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels = 3,
): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels: channels as 1 | 3 | 4 } })
    .png()
    .toBuffer();
}

/** An image of one color. */
export function plain(
  width: number,
  height: number,
  background: { r: number; g: number; b: number },
  format: 'png' | 'jpeg' = 'png',
): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    [format]()
    .toBuffer();
}

export function readAll(source: DataSource, split: SplitName): Promise<ImageRecord[]> {
  return collected(source.read(split));
}

export async function collected(stream: AsyncIterable<ImageRecord>): Promise<ImageRecord[]> {
  const records: ImageRecord[] = [];
  for await (const record of stream) records.push(record);
  return records;
}

/** The `RethinkError` that this throws; anything else fails the test. */
export async function failure(work: () => unknown): Promise<RethinkError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(RethinkError);
    const { message } = error as RethinkError;
    // One sentence for a person: no stack, no line breaks.
    expect(message).toMatch(/^[^\n]+\.$/);
    return error as RethinkError;
  }
  throw new Error('nothing was thrown');
}
