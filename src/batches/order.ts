import { Random } from '../random.js';

/** Examples that lie next to each other and are moved together when an epoch's order is drawn from a disk. */
const BLOCK = 32;
/** Bytes of images among which examples are mixed, one by one. */
const WINDOW_BYTES = 512 * 2 ** 20;

/** How the order of an epoch is drawn: by blocks and windows where images are read from a disk. */
export interface StreamedOrder {
  /** Positions in a window. */
  window: number;
}

/** The order for images of this size. */
export function streamedOrder(imageBytes: number): StreamedOrder {
  return { window: Math.max(BLOCK, Math.floor(WINDOW_BYTES / imageBytes / BLOCK) * BLOCK) };
}

/**
 * Positions in the training set in the order of an epoch, [count]: a permutation, and a pure function of its arguments.
 *
 * Images in memory: uniform over all permutations. Images on a disk: blocks of 32 neighbors are shuffled over the whole
 * set, so that a window of 512 MiB has examples of hundreds of places, and each window is shuffled in itself. What is read
 * in turn then lies in some hundred pieces of a megabyte, which a disk and its cache can serve. A set that is no larger
 * than one window gets the very order it would have in memory.
 *
 * @param seed `seeds.data`.
 */
export function epochOrder(
  seed: number,
  epoch: number,
  count: number,
  streamed?: StreamedOrder,
): Uint32Array {
  const random = new Random(seed, 'order', epoch);
  if (streamed === undefined || count <= streamed.window) return random.permutation(count);
  const blocks = new Random(seed, 'order/blocks', epoch).permutation(Math.ceil(count / BLOCK));
  const positions = new Uint32Array(count);
  let n = 0;
  for (const block of blocks) {
    const end = Math.min(count, (block + 1) * BLOCK);
    for (let position = block * BLOCK; position < end; position++) positions[n++] = position;
  }
  for (let first = 0; first < count; first += streamed.window) {
    random.shuffle(positions.subarray(first, first + streamed.window));
  }
  return positions;
}
