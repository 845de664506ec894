import { dirname, join } from 'node:path';
import { isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { sizeOf } from '../../shape.js';
import { grouped } from '../../text.js';
import { ByteReader, readBytes } from '../archive/bytes.js';
import type { DataSource, DatasetInfo, ImageRecord, SplitName } from '../types.js';
import {
  type Found,
  type FoundFile,
  type IdxFile,
  type IdxForm,
  infoOf,
  type Layout,
  type PublishedSpec,
} from './types.js';

/** MNIST's idx layout, read as strictly as it is defined: magic, counts, sizes, and nothing after the end. */
export const IDX: Layout<IdxForm> = {
  official: true,
  find: (_, form, base, given, only) => {
    const needed = form.files.filter(({ split }) => only === undefined || split === only);
    return idxFolders(form, base, given).flatMap((path): Found<IdxForm>[] => {
      const files = filesIn(form, path);
      const there = new Set(files.map(({ file }) => file));
      if (!needed.every(({ file }) => there.has(file))) return [];
      return [{ form, kind: 'idx', path, files }];
    });
  },
  partly: (form, base) => {
    for (const folder of idxFolders(form, base, true)) {
      const there = new Set(filesIn(form, folder).map(({ file }) => file));
      if (there.size === 0 || there.size === form.files.length) continue;
      const missing = form.files.map(({ file }) => file).filter((file) => !there.has(file));
      return ` ${folder} holds only a part of it: ${missing.join(', ')} missing.`;
    }
    return '';
  },
  open: (spec, { form, files }, origin) => idxSource(spec, form, files, origin),
};

/** MNIST and Fashion-MNIST use the same file names: only a folder that is given, or named for one of them, tells. */
function idxFolders(form: IdxForm, base: string, given: boolean): string[] {
  const start = given && isFile(base) ? dirname(base) : base;
  const below = form.folders.map((folder) => join(start, folder));
  return given ? [start, ...below] : below;
}

/**
 * The files of the data set that are in a folder, with and without `.gz`, as `train-images-idx3-ubyte` or
 * `train-images.idx3-ubyte`.
 */
function filesIn(form: IdxForm, folder: string): FoundFile[] {
  return form.files.flatMap(({ file, bytes, md5, unpacked }) => {
    const dotted = unpacked.file.replace('-idx', '.idx');
    const spellings = [`${unpacked.file}.gz`, unpacked.file, `${dotted}.gz`, dotted];
    const path = spellings.map((name) => join(folder, name)).find(isFile);
    if (path === undefined) return [];
    return [path.endsWith('.gz') ? { path, file, md5, bytes } : { path, file, md5: unpacked.md5 }];
  });
}

/** @param files Where each official (gzipped) file was found. */
export function idxSource(
  spec: PublishedSpec,
  form: IdxForm,
  files: readonly Pick<FoundFile, 'path' | 'file'>[],
  origin: DatasetInfo['origin'],
): DataSource {
  const pathOf = (split: SplitName, holds: IdxFile['holds']) => {
    const wanted = form.files.find((file) => file.split === split && file.holds === holds)!;
    return files.find(({ file }) => file === wanted.file)!.path;
  };
  return {
    info: infoOf(spec, origin),
    read: (split, signal) =>
      readSplit(spec, pathOf(split, 'images'), pathOf(split, 'labels'), split, signal),
  };
}

async function* readSplit(
  spec: PublishedSpec,
  imagesPath: string,
  labelsPath: string,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const count = spec.counts[split];
  const bytes = spec.height * spec.width * spec.channels;
  const labels = new IdxReader(labelsPath, [count], signal);
  const images = new IdxReader(imagesPath, [count, spec.height, spec.width], signal);
  try {
    await labels.header();
    await images.header();
    for (let index = 0; index < count; index++) {
      const label = (await labels.item(1, index))[0]!;
      if (label >= spec.classes.length) {
        throw new RethinkError(
          'data',
          `${labels.path} is damaged: label ${grouped(index)} is ${label}, and ${spec.name} has labels 0 to ${spec.classes.length - 1}.`,
        );
      }
      yield { index, label, image: Uint8Array.from(await images.item(bytes, index)) };
    }
    await labels.end();
    await images.end();
  } finally {
    await labels.close();
    await images.close();
  }
}

/** One idx file of unsigned bytes with the given dimensions. */
class IdxReader {
  private readonly reader: ByteReader;

  constructor(
    readonly path: string,
    private readonly shape: number[],
    signal: AbortSignal | undefined,
  ) {
    const bytes = 4 + 4 * shape.length + sizeOf(shape);
    // Twice the expected, so that a longer file is refused by what its header says where that is the reason.
    this.reader = new ByteReader(readBytes(path, { signal, maxBytes: 2 * bytes + 4096 }));
  }

  async header(): Promise<void> {
    const dimensions = this.shape.length;
    const header = await this.reader.take(4 + 4 * dimensions);
    // Two zeros, 8 for unsigned bytes, the count of dimensions.
    const magic = 0x0800 + dimensions;
    const found = header.length >= 4 ? header.readUInt32BE(0) : undefined;
    if (found !== magic) {
      throw new RethinkError(
        'data',
        `${this.path} is not the idx file expected: it starts with ${found === undefined ? `${header.length} bytes` : hex(found)}, not ${hex(magic)}.`,
      );
    }
    if (header.length < 4 + 4 * dimensions) throw this.truncated(0);
    const sizes = this.shape.map((_, i) => header.readUInt32BE(4 + 4 * i));
    if (sizes.some((size, i) => size !== this.shape[i])) {
      throw new RethinkError(
        'data',
        `${this.path} holds ${sizes.map(grouped).join(' × ')}, and ${this.shape.map(grouped).join(' × ')} is expected.`,
      );
    }
  }

  async item(bytes: number, index: number): Promise<Buffer> {
    const item = await this.reader.take(bytes);
    if (item.length < bytes) throw this.truncated(index);
    return item;
  }

  async end(): Promise<void> {
    if ((await this.reader.take(1)).length === 0) return;
    throw new RethinkError(
      'data',
      `${this.path} has bytes after its ${grouped(this.shape[0]!)} items.`,
    );
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  private truncated(index: number): RethinkError {
    return new RethinkError(
      'data',
      `${this.path} is truncated: it ends after ${grouped(index)} of ${grouped(this.shape[0]!)} items.`,
    );
  }
}

function hex(n: number): string {
  return `0x${n.toString(16).padStart(8, '0')}`;
}
