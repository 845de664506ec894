import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { ByteReader, readBytes } from '../archive/bytes.js';
import type { DataSource, DatasetInfo, ImageRecord, SplitName } from '../types.js';
import { type IdxFile, type IdxSpec, infoOf } from './catalog.js';

/** The four files of an idx data set, by official (gzipped) name: where each was found. */
export type IdxPaths = Map<string, string>;

/**
 * The spellings under which an idx file is found: with and without `.gz`, `train-images-idx3-ubyte` and
 * `train-images.idx3-ubyte`.
 */
export function idxSpellings(file: IdxFile): string[] {
  const { file: dashed } = file.unpacked;
  const dotted = dashed.replace('-idx', '.idx');
  return [`${dashed}.gz`, dashed, `${dotted}.gz`, dotted];
}

/** MNIST's idx layout, read as strictly as it is defined: magic, counts, sizes, and nothing after the end. */
export function idxSource(
  spec: IdxSpec,
  paths: IdxPaths,
  origin: DatasetInfo['origin'],
): DataSource {
  return {
    info: infoOf(spec, origin),
    read: (split, signal) => readSplit(spec, paths, split, signal),
  };
}

async function* readSplit(
  spec: IdxSpec,
  paths: IdxPaths,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const of = (holds: IdxFile['holds']) =>
    paths.get(spec.files.find((file) => file.split === split && file.holds === holds)!.file)!;
  const count = spec.counts[split];
  const bytes = spec.height * spec.width * spec.channels;
  const labels = new IdxReader(of('labels'), [count], signal);
  const images = new IdxReader(of('images'), [count, spec.height, spec.width], signal);
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
    const bytes = 4 + 4 * shape.length + shape.reduce((product, n) => product * n, 1);
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
