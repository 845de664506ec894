import { pixelCorruption } from '../corrupt/apply.js';
import { StoredReader } from '../data/stored/stored.js';
import type { StoredImages } from '../data/types.js';

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
