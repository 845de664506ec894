import { closeSync, openSync, read as readCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { diskError } from '../../disk/errors.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { DECODERS, decodeImage, MAX_IMAGE_BYTES } from '../image/decode.js';
import { readLocation } from '../tree/location.js';
import { type Images, isStored, type Split, type StoredImages } from '../types.js';
import { entryAt } from './entry-name.js';

const readAsync = promisify(readCallback);

/** Files kept open: fewer than any system's limit for one process. */
const MOST_OPEN = 64;
/** A smaller read from a cached file is over before a thread of the pool would have begun it. */
const SMALL = 256 * 1024;

/** Corrupts one image in place, by its position. */
export type PixelChange = (image: Uint8Array, position: number) => void;

/**
 * Reads images that lie on the disk. It keeps a few files open and nothing else: how much memory it takes does not
 * depend on how many images there are.
 */
export class StoredReader {
  private readonly imageBytes: number;
  private readonly open = new Map<string, number>();

  constructor(
    private readonly stored: StoredImages,
    private readonly change?: PixelChange | undefined,
  ) {
    const { height, width, channels } = stored.size;
    this.imageBytes = height * width * channels;
  }

  /**
   * Fills `out` with the images at these positions, one after another: [positions, height, width, channels].
   *
   * @throws RethinkError (`data`) naming the file where one is missing, cut or can't be decoded.
   */
  async read(positions: ArrayLike<number>, out: Uint8Array): Promise<void> {
    if (this.stored.form === 'pixels') await this.readPixels(positions, out);
    else await this.decode(positions, out);
    if (this.change === undefined) return;
    for (let i = 0; i < positions.length; i++) {
      const from = i * this.imageBytes;
      this.change(out.subarray(from, from + this.imageBytes), positions[i]!);
    }
  }

  /** Safe to call twice. */
  close(): void {
    for (const fd of this.open.values()) closeSync(fd);
    this.open.clear();
  }

  /** Images that lie one after another are read in one go. */
  private async readPixels(positions: ArrayLike<number>, out: Uint8Array): Promise<void> {
    const { file, offset, files } = this.stored;
    for (let first = 0; first < positions.length; ) {
      const start = positions[first]!;
      let n = 1;
      while (first + n < positions.length) {
        const next = positions[first + n]!;
        const follows = offset[next] === offset[start]! + n * this.imageBytes;
        if (file[next] !== file[start] || !follows) break;
        n++;
      }
      const from = first * this.imageBytes;
      const target = out.subarray(from, from + n * this.imageBytes);
      await this.fill(files[file[start]!]!, offset[start]!, target);
      first += n;
    }
  }

  private async fill(path: string, offset: number, out: Uint8Array): Promise<void> {
    try {
      const fd = this.descriptor(path);
      for (let done = 0; done < out.length; ) {
        const left = out.length - done;
        const n =
          left <= SMALL
            ? readSync(fd, out, done, left, offset + done)
            : (await readAsync(fd, out, done, left, offset + done)).bytesRead;
        if (n === 0) throw cut(path, offset + out.length);
        done += n;
      }
    } catch (error) {
      throw diskError(error, 'read', path, 'input');
    }
  }

  /** The file that was opened longest ago makes room. */
  private descriptor(path: string): number {
    const known = this.open.get(path);
    if (known !== undefined) return known;
    const [oldest] = this.open;
    if (this.open.size >= MOST_OPEN && oldest !== undefined) {
      closeSync(oldest[1]);
      this.open.delete(oldest[0]);
    }
    const fd = openSync(path, 'r');
    this.open.set(path, fd);
    return fd;
  }

  /** Several at a time, each into its own place. */
  private async decode(positions: ArrayLike<number>, out: Uint8Array): Promise<void> {
    let next = 0;
    let failed = false;
    const work = async () => {
      while (next < positions.length && !failed) {
        const i = next++;
        try {
          out.set(await this.decodeOne(positions[i]!), i * this.imageBytes);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    const workers = Array.from({ length: Math.min(DECODERS, positions.length) }, work);
    const settled = await Promise.allSettled(workers);
    const failure = settled.find(({ status }) => status === 'rejected');
    if (failure !== undefined) throw (failure as PromiseRejectedResult).reason;
  }

  private async decodeOne(position: number): Promise<Uint8Array> {
    const { files, file, offset, bytes, size, zip, holes } = this.stored;
    const path = files[file[position]!]!;
    const whole = offset[position] === 0 && bytes[position] === MAX_IMAGE_BYTES;
    const where = whole ? path : () => `${path}: ${entryAt(path, offset[position]!, zip)}`;
    const location = {
      file: path,
      offset: offset[position]!,
      bytes: whole ? undefined : bytes[position]!,
      holes: holes?.get(position),
      zip,
    };
    return decodeImage(await readLocation(location, where), where, { size, fit: 'cover' });
  }
}

/** The examples of a split at these positions, as a split of their own; source indices stay. */
export function takeStored(
  { images, labels, indices }: Split<StoredImages>,
  positions: Uint32Array,
): Split<StoredImages> {
  return {
    images: {
      ...images,
      file: positions.map((at) => images.file[at]!),
      offset: Float64Array.from(positions, (at) => images.offset[at]!),
      bytes: positions.map((at) => images.bytes[at]!),
      ...(images.holes && { holes: taken(images.holes, positions) }),
    },
    labels: Int32Array.from(positions, (at) => labels[at]!),
    indices: positions.map((at) => indices[at]!),
    count: positions.length,
  };
}

/** What is known of some positions, by their places among those that are taken. */
function taken<T>(known: ReadonlyMap<number, T>, positions: Uint32Array): Map<number, T> {
  return new Map(
    Array.from(positions.entries()).flatMap(([to, from]) =>
      known.has(from) ? [[to, known.get(from)!] as const] : [],
    ),
  );
}

function cut(path: string, expected: number): RethinkError {
  return new RethinkError(
    'data',
    `${path} is cut: it should have at least ${grouped(expected)} bytes.`,
    { hint: `Check it: rethink-gen data verify ${quoted(path)}` },
  );
}

/**
 * The images at these places, one after another, from memory or from the disk; from there as they are before corruption.
 *
 * @param bytes Of one.
 */
export async function imagesAt(
  images: Images,
  positions: ArrayLike<number>,
  bytes: number,
): Promise<Uint8Array> {
  const out = new Uint8Array(positions.length * bytes);
  if (isStored(images)) {
    const reader = new StoredReader(images);
    await reader.read(positions, out).finally(() => reader.close());
    return out;
  }
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i]!;
    out.set(images.subarray(position * bytes, (position + 1) * bytes), i * bytes);
  }
  return out;
}
