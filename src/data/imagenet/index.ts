import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { type ScannedEntry, scanTar, wholeTar } from '../archive/tar-scan.js';
import { chooseSubset, type SubsetConfig } from '../tree/choose.js';
import { type LocatedTree, type Location, locateTree } from '../tree/located.js';
import { emptyClass, sortTree, type TreeImage } from '../tree/tree.js';
import { listFolder, treePlace } from '../tree/tree-files.js';
import { readGroundTruth, TRUTH_FORMS } from './ground-truth.js';

/** ILSVRC 2012 as it is handed out: a tar of one tar for each synset, and a flat tar. */
const TRAIN_TAR = 'ILSVRC2012_img_train.tar';
const VAL_TAR = 'ILSVRC2012_img_val.tar';
/** Where the unpacked images are, below the folder that is given; the last as Kaggle lays them out. */
const FOLDERS = ['.', 'ILSVRC/Data/CLS-LOC', 'Data/CLS-LOC'];
const SYNSET = /^n\d{8}$/;
const IMAGE = /\.jpe?g$/i;
/** Classes of ILSVRC 2012. */
export const SYNSETS = 1000;

/** Whether a path looks like ImageNet rather than any tree. */
export function looksLikeImagenet(path: string): boolean {
  if ([TRAIN_TAR, VAL_TAR].includes(basename(path))) return true;
  return [TRAIN_TAR, VAL_TAR, 'ILSVRC', 'ILSVRC2012_devkit_t12.tar.gz'].some((name) =>
    existsSync(join(path, name)),
  );
}

/**
 * The images of ILSVRC 2012, each with its place in the archives or folders: nothing is unpacked. Training and validation
 * images may each be in their archive or unpacked; a flat validation set needs ground truth beside it.
 *
 * @throws RethinkError: `data` where a part is missing or damaged, or a chosen synset has no images; `usage` for a subset
 * that there isn't.
 */
export async function locateImagenet(
  path: string,
  subset: SubsetConfig | undefined,
  signal?: AbortSignal,
): Promise<LocatedTree> {
  const place = treePlace(path);
  const isOfficial = [TRAIN_TAR, VAL_TAR].includes(basename(path));
  if (place.kind === 'archive' && !isOfficial) {
    return checked(await locateTree(place, subset, signal), path);
  }
  const folder = isOfficial ? dirname(path) : path;
  const found = new Map<string, Location>();
  await findTraining(folder, found, signal);
  const synsets = [...new Set([...found.keys()].map((name) => name.split('/')[1]!))].sort();
  await findValidation(folder, synsets, found, signal);
  const all = sortTree([...found.keys()], folder);
  const chosen = chooseSubset(all, subset, folder);
  const locate = (image: TreeImage) => found.get(image.path)!;
  const notes =
    all.classes.length === SYNSETS
      ? []
      : [
          `${folder} has ${grouped(all.classes.length)} synsets, and ILSVRC 2012 has ${grouped(SYNSETS)}.`,
        ];
  return checked({ where: folder, ...chosen, locate, notes }, folder);
}

/** @throws RethinkError (`data`) where a class can't be tested. */
function checked(located: LocatedTree, where: string): LocatedTree {
  const { classes, images } = located.tree;
  for (const [name, list] of [
    ['training', images.train],
    ['validation', images.test],
  ] as const) {
    const present = new Set(list.map(({ label }) => label));
    const missing = classes.filter((_, label) => !present.has(label));
    if (missing.length === 0) continue;
    throw new RethinkError(
      'data',
      `${where} has no ${name} images of ${grouped(missing.length)} of ${grouped(classes.length)} synsets: ${missing.slice(0, 10).map(quoted).join(', ')}.`,
      { hint: 'Name the synsets that are there: data.subset.synsets.' },
    );
  }
  return located;
}

async function findTraining(
  folder: string,
  found: Map<string, Location>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = join(folder, TRAIN_TAR);
  if (isFile(archive)) {
    for (const { name, offset, size } of scanTar(wholeTar(archive), signal)) {
      const synset = basename(name, '.tar');
      if (!SYNSET.test(synset)) {
        throw new RethinkError('data', `${archive}: ${quoted(name)} is no tar of a synset.`);
      }
      const where = `${archive}: ${name}`;
      const range = { path: archive, offset, end: offset + size, where };
      const before = found.size;
      for (const image of scanTar(range, signal)) add(found, 'train', synset, image, archive);
      if (found.size === before) throw emptyClass(name, archive);
      // A thousand images between two looks at signals and timers.
      await setImmediate();
    }
    return;
  }
  const unpacked = findFolder(folder, 'train');
  if (unpacked === undefined) throw missingPart(folder, TRAIN_TAR, 'train/<synset>/*.JPEG');
  const names = listFolder(unpacked);
  const present = new Set<string>();
  for (const name of names) {
    const parts = name.split('/');
    if (parts.length !== 2 || !IMAGE.test(name)) continue;
    present.add(parts[0]!);
    found.set(`train/${name}`, { file: join(unpacked, name), offset: 0 });
  }
  const empty = names.find((name) => isEmptySynset(name, present));
  if (empty !== undefined) throw emptyClass(`train/${empty}`, folder);
}

function isEmptySynset(name: string, present: ReadonlySet<string>): boolean {
  return /^n\d{8}\/$/.test(name) && !present.has(name.slice(0, -1));
}

function add(
  found: Map<string, Location>,
  split: 'train' | 'val',
  synset: string,
  { name, offset, size }: ScannedEntry,
  file: string,
): void {
  if (!IMAGE.test(name)) return;
  found.set(`${split}/${synset}/${basename(name)}`, { file, offset, bytes: size });
}

async function findValidation(
  folder: string,
  synsets: readonly string[],
  found: Map<string, Location>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const archive = join(folder, VAL_TAR);
  const flat = new Map<string, Location>();
  if (isFile(archive)) {
    for (const { name, offset, size } of scanTar(wholeTar(archive), signal)) {
      if (IMAGE.test(name)) flat.set(basename(name), { file: archive, offset, bytes: size });
    }
  } else {
    const unpacked = findFolder(folder, 'val');
    if (unpacked === undefined) throw missingPart(folder, VAL_TAR, 'val/<synset>/*.JPEG');
    for (const name of listFolder(unpacked).filter((name) => IMAGE.test(name))) {
      const location = { file: join(unpacked, name), offset: 0 };
      if (name.includes('/')) found.set(`val/${name}`, location);
      else flat.set(name, location);
    }
  }
  if (flat.size === 0) return;
  const truth = await readGroundTruth(folder, synsets);
  if (truth === undefined) {
    throw new RethinkError(
      'data',
      `${folder} has ${grouped(flat.size)} validation images in no folders of synsets, and no ground truth.`,
      { hint: `Put one of these beside them: ${TRUTH_FORMS.join(', ')}.` },
    );
  }
  for (const [name, location] of flat) {
    const synset = truth.get(name);
    if (synset === undefined) {
      throw new RethinkError('data', `${folder}: no ground truth for ${quoted(name)}.`);
    }
    // Where only some synsets are kept of the training set, the flat tar has all of them still.
    if (synsets.includes(synset)) found.set(`val/${synset}/${name}`, location);
  }
}

function findFolder(folder: string, name: string): string | undefined {
  return FOLDERS.map((place) => join(folder, place, name)).find(
    (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  );
}

function missingPart(folder: string, archive: string, tree: string): RethinkError {
  return new RethinkError('data', `${folder} holds neither ${archive} nor ${tree}.`, {
    hint: 'ILSVRC 2012 is handed out at image-net.org, for research.',
  });
}
