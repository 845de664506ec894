import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isFile, KeptOpen } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { grouped, named, quoted } from '../../text.js';
import { type TarPlace, unpackedTar, wholeTar } from '../archive/tar-scan.js';
import type { Unpacked } from '../archive/unpacked.js';
import {
  FIRST_BYTES,
  type Format,
  formatOfBytes,
  formatOfName,
  isUnnamed,
} from '../image/formats.js';
import { chooseSubset, type SubsetConfig } from '../tree/choose.js';
import { emptyClass } from '../tree/faults.js';
import { inTar, isLeftBehind, type Listing, listFolder, treePlace } from '../tree/listing.js';
import { type LocatedTree, locateTree } from '../tree/located.js';
import { firstBytes, type Location } from '../tree/location.js';
import { sortTree, type TreeImage } from '../tree/tree.js';
import { readGroundTruth, TRUTH_FORMS } from './ground-truth.js';

/** ILSVRC 2012 as it is handed out: a tar of one tar for each synset, and a flat tar. */
const TRAIN_TAR = 'ILSVRC2012_img_train.tar';
const VAL_TAR = 'ILSVRC2012_img_val.tar';
/** Where the unpacked images are, below the folder that is given; the last as Kaggle lays them out. */
const FOLDERS = ['.', 'ILSVRC/Data/CLS-LOC', 'Data/CLS-LOC'];
const SYNSET = /^n\d{8}$/;
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
  watching?: Watching,
): Promise<LocatedTree> {
  const place = treePlace(path);
  const isOfficial = [TRAIN_TAR, VAL_TAR].includes(basename(path));
  if (place.kind !== 'folder' && !isOfficial) {
    return checked(await locateTree(place, subset, watching), path);
  }
  const folder = isOfficial ? dirname(path) : path;
  const parts: Parts = { paths: [], formats: new Map(), places: new Map() };
  await findTraining(folder, parts, watching);
  const images = parts.paths.filter((name) => isImage(name, parts));
  const synsets = [...new Set(images.map((name) => name.split('/')[1]!))].sort();
  await findValidation(folder, synsets, parts, watching);
  const all = sortTree(parts, folder);
  if (all.classes.length !== SYNSETS) {
    all.notes.push(
      `${folder} has ${grouped(all.classes.length)} synsets, and ILSVRC 2012 has ${grouped(SYNSETS)}.`,
    );
  }
  const locate = (image: TreeImage) => parts.places.get(image.path)!;
  return checked({ where: folder, ...chooseSubset(all, subset, folder), locate }, folder);
}

/** What archives and folders hold, as one tree. */
interface Parts extends Pick<Listing, 'paths' | 'formats'> {
  places: Map<string, Location>;
}

function isImage(name: string, { formats }: Pick<Listing, 'formats'>): boolean {
  return (formatOfName(name) ?? formats.get(name)) !== undefined;
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
      `${where} has no ${name} images of ${grouped(missing.length)} of ${grouped(classes.length)} synsets: ${named(missing)}.`,
      { hint: 'Name the synsets that are there: data.subset.synsets.' },
    );
  }
  return located;
}

async function findTraining(
  folder: string,
  parts: Parts,
  watching: Watching | undefined,
): Promise<void> {
  const archive = join(folder, TRAIN_TAR);
  if (!isFile(archive)) {
    const unpacked = findFolder(folder, 'train');
    if (unpacked === undefined) throw missingPart(folder, TRAIN_TAR, 'train/<synset>/*.JPEG');
    const { paths, formats, locate } = await listFolder(unpacked, watching);
    for (const path of paths) add(parts, `train/${path}`, locate(path), formats.get(path));
    return;
  }
  const unpacked = await unpackedTar(wholeTar(archive), watching);
  const { files } = unpacked.all ?? unpacked;
  let done = 0;
  const amount = () => ({ done, total: files.size, unit: 'files' as const });
  const turn = takingTurns(watching ?? {}, `reading ${archive}`, amount);
  for (const [name, { offset, stored }] of files) {
    done++;
    if (isLeftBehind(name)) continue;
    const synset = basename(name, '.tar');
    if (!SYNSET.test(synset)) {
      throw new RethinkError('data', `${archive}: ${quoted(name)} is no tar of a synset.`);
    }
    const range = { path: archive, offset, end: offset + stored, where: `${archive}: ${name}` };
    const before = parts.paths.length;
    addTar(
      parts,
      await unpackedTar(range, { signal: watching?.signal }),
      archive,
      (image) => `train/${synset}/${image}`,
    );
    if (!parts.paths.slice(before).some((path) => isImage(path, parts))) {
      throw emptyClass(name, archive);
    }
    await turn();
  }
}

function add(parts: Parts, path: string, place: Location, format?: Format): void {
  parts.paths.push(path);
  if (path.endsWith('/')) return;
  parts.places.set(path, place);
  if (format !== undefined) parts.formats.set(path, format);
}

/** Adds the files of a flat tar. @param nameOf What one is called in the tree. */
function addTar(
  parts: Parts,
  unpacked: Unpacked<TarPlace>,
  archive: string,
  nameOf: (file: string) => string,
): void {
  const open = new KeptOpen('input');
  try {
    for (const [name, tarPlace] of (unpacked.all ?? unpacked).files) {
      if (isLeftBehind(name)) continue;
      const place = inTar(archive, tarPlace);
      const unnamed = isUnnamed(name);
      const format = unnamed ? formatOfBytes(firstBytes(place, FIRST_BYTES, open)) : undefined;
      add(parts, nameOf(basename(name)), place, format);
    }
  } finally {
    open.close();
  }
}

async function findValidation(
  folder: string,
  synsets: readonly string[],
  parts: Parts,
  watching: Watching | undefined,
): Promise<void> {
  const archive = join(folder, VAL_TAR);
  const flat = new Map<string, Location>();
  const found: Parts = { paths: [], formats: new Map(), places: new Map() };
  if (isFile(archive)) {
    addTar(found, await unpackedTar(wholeTar(archive), watching), archive, (name) => name);
  } else {
    const unpacked = findFolder(folder, 'val');
    if (unpacked === undefined) throw missingPart(folder, VAL_TAR, 'val/<synset>/*.JPEG');
    const { paths, formats, locate } = await listFolder(unpacked, watching);
    for (const path of paths) add(found, path, locate(path), formats.get(path));
  }
  for (const path of found.paths) {
    const place = found.places.get(path)!;
    if (path.includes('/')) add(parts, `val/${path}`, place, found.formats.get(path));
    else if (isImage(path, found)) flat.set(path, place);
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
  const known = new Set(synsets);
  // Of several that are missing the first by name is told.
  for (const [name, location] of [...flat].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const synset = truth.get(name);
    if (synset === undefined) {
      throw new RethinkError('data', `${folder}: no ground truth for ${quoted(name)}.`);
    }
    // Where only some synsets are kept of the training set, the flat tar has all of them still.
    if (known.has(synset)) add(parts, `val/${synset}/${name}`, location, found.formats.get(name));
  }
}

/** The folder of unpacked images, by its plain name, or else by another that is usual for it, in any case. */
function findFolder(folder: string, name: keyof typeof NAMES): string | undefined {
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory();
  const places = FOLDERS.map((place) => join(folder, place)).filter(isFolder);
  const named = places.flatMap((place) => [
    join(place, name),
    ...readdirSync(place)
      .filter((other) => NAMES[name].test(other))
      .map((other) => join(place, other)),
  ]);
  return named.find(isFolder);
}

/** A test set of ILSVRC 2012 has no labels. */
const NAMES = { train: /^train(ing)?$/i, val: /^val(id(ation)?)?$/i };

function missingPart(folder: string, archive: string, tree: string): RethinkError {
  const others = readdirSync(folder).filter((name) => /\.(tar|tar\.gz|tgz|zip)$/i.test(name));
  const held = others.length === 0 ? '' : `; it holds ${named(others.sort(), 3)}`;
  return new RethinkError('data', `${folder} holds neither ${archive} nor ${tree}${held}.`, {
    hint:
      others.length === 0
        ? 'ILSVRC 2012 is handed out at image-net.org, for research.'
        : 'Other archives are not read here: unpack their images into train/<synset>/ and val/<synset>/.',
  });
}
