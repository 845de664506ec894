import { pixelCorruption } from '../corrupt/apply.js';
import { StoredReader } from '../data/stored/stored.js';
import type { StoredImages } from '../data/types.js';
import { CHUNK_BYTES } from '../engines/types.js';
import { centerView, writeView } from './augment/augment.js';
import { AlternatingBuffers, type CountedEvalChunk, type EvalChunksOptions } from './chunks.js';

/**
 * As `evalChunks`, of images on the disk: all examples in order, and the next chunk is read while one is evaluated.
 *
 * @throws RethinkError: `usage` where the crop is larger than the images, `data` where an image can't be read.
 */
export async function* storedEvalChunks(
  options: Omit<EvalChunksOptions, 'images'> & { images: StoredImages },
): AsyncGenerator<CountedEvalChunk, void> {
  const { images, labels, count, size, evalBatchSize, crop, probabilities } = options;
  const view = centerView(size, crop);
  const imageBytes = size.height * size.width * size.channels;
  const viewBytes = crop * crop * size.channels;
  // By whole images: they are what takes memory.
  const maxBytes = options.maxBytes ?? CHUNK_BYTES;
  const perChunk = Math.max(1, Math.floor(maxBytes / (evalBatchSize * imageBytes))) * evalBatchSize;
  const buffers = new AlternatingBuffers();
  const reader = openStored(images);
  let whole = new Uint8Array(0);

  const prepare = async (first: number): Promise<CountedEvalChunk> => {
    const real = Math.min(count - first, perChunk);
    const batches = Math.ceil(real / evalBatchSize);
    const padded = batches * evalBatchSize;
    const out = buffers.next(padded * viewBytes);
    if (whole.length < real * imageBytes) whole = new Uint8Array(real * imageBytes);
    const positions = Uint32Array.from({ length: real }, (_, i) => first + i);
    await reader.read(positions, whole.subarray(0, real * imageBytes));
    const chunkLabels = new Int32Array(padded);
    for (let i = 0; i < padded; i++) {
      const example = Math.min(i, real - 1);
      writeView(whole, example * imageBytes, size, crop, view, out, i * viewBytes);
      chunkLabels[i] = labels[first + example]!;
    }
    return {
      batches,
      images: out,
      labels: chunkLabels,
      count: real,
      ...(probabilities === undefined ? {} : { probabilities }),
    };
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
