import type { ImageSize } from '../data/types.js';
import { CHUNK_BYTES, type EvalChunk } from '../engines/types.js';
import { centerView, writeView } from './augment/augment.js';
import { centerCropped } from './augment/center-crop.js';

/** A call longer than this would hold up progress and Ctrl-C. */
export const CHUNK_SECONDS = 1;

/**
 * Two buffers that take turns: one is filled while an engine still reads the other. What `next` gave is overwritten by
 * the call after the next one.
 */
export class AlternatingBuffers {
  private readonly buffers: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
  private turn = 0;

  /** @param shared Memory that other threads can read, too. */
  constructor(private readonly shared = false) {}

  /** A buffer of this many bytes, with whatever it held before. */
  next(bytes: number): Uint8Array {
    this.turn = 1 - this.turn;
    let buffer = this.buffers[this.turn]!;
    if (buffer.length < bytes) {
      buffer = this.shared ? new Uint8Array(new SharedArrayBuffer(bytes)) : new Uint8Array(bytes);
      this.buffers[this.turn] = buffer;
    }
    return buffer.subarray(0, bytes);
  }
}

/**
 * How many steps to give an engine in one call: as many as fit into 64 MiB and into about a second, at least one.
 *
 * @param secondsPerStep As measured; leave it out before there is a measurement, and the answer is one step.
 */
export function stepsPerChunk(options: {
  bytesPerStep: number;
  secondsPerStep?: number | undefined;
}): number {
  if (options.secondsPerStep === undefined) return 1;
  const byBytes = Math.floor(CHUNK_BYTES / options.bytesPerStep);
  // The least duration keeps a clock that didn't move from dividing by zero.
  const byTime = Math.floor(CHUNK_SECONDS / Math.max(options.secondsPerStep, 1e-6));
  return Math.max(1, Math.min(byBytes, byTime));
}

export interface EvalChunksOptions {
  /** [count, height, width, channels]. */
  images: Uint8Array;
  /** To evaluate against, [count]. */
  labels: Int32Array;
  count: number;
  size: ImageSize;
  evalBatchSize: number;
  /** Side of the center crop. */
  crop: number;
  /** Most bytes of images in a chunk (it has one batch at least); default 64 MiB. */
  maxBytes?: number;
  probabilities?: boolean;
}

/** An evaluation chunk of which the first `count` examples are real and the rest repeat the last one. */
export type CountedEvalChunk = EvalChunk & { count: number };

/**
 * All examples in order, center crop, in chunks of whole batches. Two buffers take turns where images have to be copied, so
 * a chunk must have been used when the one after the next is asked for.
 *
 * @throws RethinkError (`usage`) where the crop is larger than the images.
 */
export function* evalChunks(options: EvalChunksOptions): Generator<CountedEvalChunk, void> {
  const { images, size } = centerCropped(options.images, options.size, options.crop);
  const viewBytes = options.crop * options.crop * size.channels;
  const { perChunk, fill } = chunkFiller({ ...options, size }, viewBytes, true);
  for (let first = 0; first < options.count; first += perChunk) yield fill(first, images);
}

/**
 * What `evalChunks` makes chunks with, two buffers taking turns.
 *
 * @param bytesEach What an example takes of `maxBytes`.
 * @param stays Whether images that `fill` is given stay as they are until its chunk has been used.
 */
export function chunkFiller(
  options: Omit<EvalChunksOptions, 'images'>,
  bytesEach: number,
  stays = false,
) {
  const { labels, count, size, evalBatchSize, crop, probabilities } = options;
  const view = centerView(size, crop);
  const imageBytes = size.height * size.width * size.channels;
  const viewBytes = crop * crop * size.channels;
  const maxBytes = options.maxBytes ?? CHUNK_BYTES;
  const perChunk = Math.max(1, Math.floor(maxBytes / (evalBatchSize * bytesEach))) * evalBatchSize;
  const buffers = new AlternatingBuffers();
  /** The chunk of the examples from `first` on, out of images that begin with example `imagesFrom`. */
  const fill = (first: number, images: Uint8Array, imagesFrom = 0): CountedEvalChunk => {
    const real = Math.min(count - first, perChunk);
    const batches = Math.ceil(real / evalBatchSize);
    const padded = batches * evalBatchSize;
    const start = (first - imagesFrom) * imageBytes;
    // Images that stay as they are, and are not cropped any more, need no copy.
    const inPlace = stays && imageBytes === viewBytes && padded === real;
    const out = inPlace
      ? images.subarray(start, start + padded * imageBytes)
      : buffers.next(padded * viewBytes);
    const chunkLabels = new Int32Array(padded);
    for (let i = 0; i < padded; i++) {
      const example = first + Math.min(i, real - 1);
      const from = (example - imagesFrom) * imageBytes;
      if (!inPlace) writeView(images, from, size, crop, view, out, i * viewBytes);
      chunkLabels[i] = labels[example]!;
    }
    return {
      batches,
      images: out,
      labels: chunkLabels,
      count: real,
      ...(probabilities === undefined ? {} : { probabilities }),
    };
  };
  return { perChunk, fill };
}
