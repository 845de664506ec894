import { createHash } from 'node:crypto';
import { decodedBy } from '../image/decode.js';
import type { TreeImage } from '../tree/tree.js';
import type { SplitName } from '../types.js';
import type { Packable } from './packable.js';

/** A shard is as large as whole images fit into this. */
export const SHARD_BYTES = 64 * 2 ** 20;

/** The images of one shard, in order. */
export interface PlannedShard {
  file: string;
  split: SplitName;
  images: TreeImage[];
}

/** What is to be packed, and how: the same source and settings give the same plan. */
export interface PackPlan {
  size: number;
  shards: PlannedShard[];
  total: number;
  /** SHA-256 of all that the shards' content follows from, but for the images' own bytes. */
  id: string;
  decoder: string;
}

/** Cuts the images into shards: by split, then in order of index. */
export function planPack(packable: Packable, size: number, shardBytes = SHARD_BYTES): PackPlan {
  const { tree, name, subset } = packable;
  const perShard = Math.max(1, Math.floor(shardBytes / (size * size * 3)));
  const shards = (['train', 'test'] as const).flatMap((split) => {
    const images = tree.images[split];
    return Array.from({ length: Math.ceil(images.length / perShard) }, (_, n) => ({
      file: `${split}-${String(n).padStart(5, '0')}.bin`,
      split,
      images: images.slice(n * perShard, (n + 1) * perShard),
    }));
  });
  const decoder = decodedBy('cover');
  const hash = createHash('sha256').update(
    JSON.stringify({ version: 1, name, size, decoder, perShard, classes: tree.classes, subset }),
  );
  for (const { images } of shards) {
    for (const image of images) {
      hash.update(`${image.path}\0${image.index}\0${packable.bytesOf(image) ?? ''}\n`);
    }
  }
  const total = tree.images.train.length + tree.images.test.length;
  return { size, shards, total, id: hash.digest('hex'), decoder };
}
