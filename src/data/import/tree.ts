import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digestFile } from '../../disk/digest.js';
import { writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';
import { DECODED_BY } from '../image/decode.js';
import type { InspectOptions } from '../inspect/per-class.js';
import { pixelsToPlanes } from '../published/planes.js';
import { STORE_INFO, type StoreManifest, storeRecordBytes } from '../published/store.js';
import type { PublishedSpec } from '../published/types.js';
import { decodeAll, type OpenTree, openTree } from '../tree/imagetree.js';
import type { TreePlace } from '../tree/listing.js';
import type { Tree } from '../tree/tree.js';
import type { SplitName } from '../types.js';

type PackOptions = Pick<InspectOptions, 'signal' | 'onProgress'> & {
  note?: ((message: string) => void) | undefined;
};

/**
 * Decodes a tree of images into a folder in the store's layout, in bounded memory.
 *
 * @param sha256 Of the archive the images come from.
 * @throws RethinkError (`data`) where classes, counts or image sizes aren't those of the data set.
 */
export async function storeTree(
  spec: PublishedSpec,
  place: TreePlace,
  folder: string,
  sha256: string | undefined,
  options: PackOptions,
): Promise<StoreManifest> {
  const { signal } = options;
  const opened = await openTree(place, spec.classes, signal);
  const { tree } = opened;
  for (const note of tree.notes) options.note?.(note);
  checkCounts(spec, tree, place.path);
  await writeRecords(spec, opened, folder, options);
  const { name, height, width, channels, classes } = spec;
  const manifest: StoreManifest = {
    format: 1,
    name,
    origin: 'imported',
    height,
    width,
    channels,
    classes,
    train: await describeSplit(spec, tree, folder, 'train', signal),
    test: await describeSplit(spec, tree, folder, 'test', signal),
    source: { name: basename(place.path), sha256 },
    decoder: DECODED_BY.exact,
  };
  writeFileAtomic(join(folder, STORE_INFO), `${JSON.stringify(manifest, null, 2)}\n`, 'dataset');
  return manifest;
}

function checkCounts(spec: PublishedSpec, tree: Tree, where: string): void {
  for (const split of ['train', 'test'] as const) {
    const [found, expected] = [tree.images[split].length, spec.counts[split]];
    if (found === expected) continue;
    throw new RethinkError(
      'data',
      `${where} has ${grouped(found)} ${split} images, and ${spec.name} has ${grouped(expected)}.`,
      { hint: 'Images of your own are used as they are: data.name=imagetree data.dir=PATH' },
    );
  }
}

async function writeRecords(
  spec: PublishedSpec,
  { tree, read }: OpenTree,
  folder: string,
  { signal, onProgress }: PackOptions,
): Promise<void> {
  const record = Buffer.alloc(storeRecordBytes(spec));
  const total = spec.counts.train + spec.counts.test;
  const files: Record<SplitName, number> = {
    train: openSync(join(folder, fileOf('train')), 'wx'),
    test: openSync(join(folder, fileOf('test')), 'wx'),
  };
  try {
    let done = 0;
    const wanted = [...tree.images.train, ...tree.images.test];
    const decoded = decodeAll(read(wanted, signal), { size: spec, fit: 'exact' });
    for await (const { index, label, image, split } of decoded) {
      throwIfInterrupted(signal, `importing ${spec.name}`);
      record[0] = label;
      pixelsToPlanes(image, spec.channels, record.subarray(1));
      // Synchronous: thousands of small writes into the disk cache, each too short to be worth a turn of the event loop.
      writeSync(files[split], record, 0, record.length, index * record.length);
      done++;
      if (done % 500 === 0 || done === total) {
        onProgress?.({ what: `importing ${spec.name}`, done, total, unit: 'images' });
      }
    }
    for (const file of Object.values(files)) fsyncSync(file);
  } finally {
    for (const file of Object.values(files)) closeSync(file);
  }
}

async function describeSplit(
  spec: PublishedSpec,
  tree: Tree,
  folder: string,
  split: SplitName,
  signal: AbortSignal | undefined,
): Promise<StoreManifest['train']> {
  const file = fileOf(split);
  const count = spec.counts[split];
  const perClass = spec.classes.map(() => 0);
  for (const { label } of tree.images[split]) perClass[label] = perClass[label]! + 1;
  return {
    file,
    count,
    bytes: count * storeRecordBytes(spec),
    sha256: await digestFile(join(folder, file), 'sha256', signal),
    perClass,
  };
}

function fileOf(split: SplitName): 'train.bin' | 'test.bin' {
  return `${split}.bin`;
}
