import { pixelCorruption } from '../corrupt/apply.js';
import { StoredReader } from '../data/stored/stored.js';
import { type Images, isStored, type StoredImages } from '../data/types.js';
import { type CountedEvalChunk, chunkFiller, type EvalChunksOptions } from './chunks.js';

/**
 * As `evalChunks`, of images on the disk: all examples in order, and the next chunk is read while one is evaluated.
 *
 * @throws RethinkError: `usage` where the crop is larger than the images, `data` where an image can't be read.
 */
export async function* storedEvalChunks(
  options: Omit<EvalChunksOptions, 'images'> & { images: StoredImages },
): AsyncGenerator<CountedEvalChunk, void> {
  const { images, count, size } = options;
  // By whole images: they are what takes memory.
  const imageBytes = size.height * size.width * size.channels;
  const { perChunk, fill } = chunkFiller(options, imageBytes);
  const reader = openStored(images);
  let whole = new Uint8Array(0);

  const prepare = async (first: number): Promise<CountedEvalChunk> => {
    const positions = Uint32Array.from(
      { length: Math.min(count - first, perChunk) },
      (_, i) => first + i,
    );
    const bytes = positions.length * imageBytes;
    if (whole.length < bytes) whole = new Uint8Array(bytes);
    await reader.read(positions, whole.subarray(0, bytes));
    return fill(first, whole, first);
  };

  let next = count > 0 ? prepare(0) : undefined;
  try {
    for (let first = 0; next !== undefined; first += perChunk) {
      const chunk: CountedEvalChunk = await next;
      next = first + perChunk < count ? prepare(first + perChunk) : undefined;
      // Whoever stops before asking for it never hears of its failure.
      next?.catch(() => {});
      yield chunk;
    }
  } finally {
    await next?.catch(() => {});
    reader.close();
  }
}

/** Opens stored images for reading; their pixels come corrupted as they should be. */
export function openStored(stored: StoredImages): StoredReader {
  const { corruption, size } = stored;
  if (corruption === undefined) return new StoredReader(stored);
  const { corruptions, seed, split, statistics, indices } = corruption;
  const changes = corruptions.map((each) => pixelCorruption(each, seed, size, statistics));
  return new StoredReader(stored, (image, position) => {
    for (const change of changes) change(image, split, indices[position]!);
  });
}

/**
 * Images at these positions as they are trained on, but for augmentation: corrupted, whole, one after another.
 *
 * @param bytes Of one.
 * @throws RethinkError (`data`) where one can't be read.
 */
export async function readImages(
  images: Images,
  positions: Uint32Array,
  bytes: number,
): Promise<Uint8Array> {
  const out = new Uint8Array(positions.length * bytes);
  if (!isStored(images)) {
    for (const [i, at] of positions.entries()) {
      out.set(images.subarray(at * bytes, (at + 1) * bytes), i * bytes);
    }
    return out;
  }
  const reader = openStored(images);
  try {
    await reader.read(positions, out);
  } finally {
    reader.close();
  }
  return out;
}
