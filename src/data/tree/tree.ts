import { RethinkError } from '../../errors.js';
import { counted, grouped, named, quoted } from '../../text.js';
import { FORMATS, type Format, formatOfName, READ_FORMATS } from '../image/formats.js';
import type { SplitName } from '../types.js';
import {
  ARCHIVE,
  emptyClass,
  misplaced,
  missingSplit,
  othersNote,
  unknownClass,
} from './faults.js';
import type { Listing, Several } from './listing.js';
import { foldersAbove, splitAt, splitFolder } from './splits.js';

/** One image of a tree and its place in the data set. */
export interface TreeImage {
  /** Relative to the tree, with slashes: `train/cat/0001.jpg`. */
  path: string;
  split: SplitName;
  className: string;
  label: number;
  /** Position in its split by class, then by file name. */
  index: number;
}

/** A tree of images `<split>/<class>/<file>`, put in order. */
export interface Tree {
  classes: string[];
  /** In order of index. */
  images: Record<SplitName, TreeImage[]>;
  /** Paths of files that are not read: in folders of classes those that are no images. */
  others: string[];
  /** Told to a person who uses it. */
  notes: string[];
}

/** What `sortTree` is given: a listing, or paths alone. */
export type Listed = Pick<Listing, 'paths'> & Partial<Listing>;

/**
 * Puts the files of a tree in order. Classes are in order of name (of code units: the same on every machine) unless
 * `classes` says which they are; files within a class are in order of name. Names that differ in Unicode normalization alone
 * are one class: people see one name, and systems write it in either way.
 *
 * Below a class its images may lie in a folder `images`, and those of a test set in one beside `val_annotations.txt`, as in
 * Tiny ImageNet. One folder above the splits is allowed, as tar often has.
 *
 * @param where Names the tree in errors.
 * @throws RethinkError (`data`) for a missing split, unknown or empty classes, and images where none is expected.
 */
export function sortTree(listing: Listed, where: string, classes?: readonly string[]): Tree {
  try {
    return inOrder(listing, where, classes);
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    // Of several faults the first by name is told, whatever order a reader lists files in.
    return inOrder({ ...listing, paths: [...listing.paths].sort() }, where, classes);
  }
}

/**
 * The tree of a place that may be several tars in one file: the first of them, as GNU tar reads such a file, or all together
 * where the first one by itself is no tree: training and test images that were put into one file.
 *
 * @returns The listing that it is of, too.
 * @throws RethinkError (`data`) as `sortTree`.
 */
export function treeOf<L extends Listing>(
  first: L & Several<L>,
  where: string,
  classes?: readonly string[],
): { tree: Tree; listing: L } {
  const { several } = first;
  if (several === undefined) return { tree: sortTree(first, where, classes), listing: first };
  const { tars, all } = several;
  const file = `It is ${grouped(tars)} tars in one file`;
  try {
    const tree = sortTree(first, where, classes);
    const files = ({ paths }: Listing) => paths.filter((path) => !path.endsWith('/')).length;
    const more = counted(files(all) - files(first), 'more file');
    tree.notes.push(`${file}; the first is read, as tar does it, without ${more} behind it.`);
    return { tree, listing: first };
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    const tree = sortTree(all, where, classes);
    tree.notes.push(`${file}; all are read, as tar --ignore-zeros does: one alone is no tree.`);
    return { tree, listing: all };
  }
}

function inOrder(listing: Listed, where: string, classes?: readonly string[]): Tree {
  const above = foldersAbove(listing.paths);
  const files = listing.paths.flatMap((path) => treeFile(path, listing, above) ?? []);
  const notes = [...(listing.notes ?? [])];
  const train = files.filter((file) => file.split === 'train');
  checkOneFolder(train, where);
  if (!train.some(isImage)) throw missingSplit('train', listing, where);
  const trainImages = imagesOf(train, undefined, where);
  const found = classes ?? classNames(trainImages, notes);
  const labels = new Map(found.map((name, label) => [keyOf(name), label]));
  const test = testFiles(files, labels, listing, where, notes);
  checkClasses(found, new Set(trainImages.map(({ className }) => keyOf(className))), where);
  const used = train.concat(test);
  checkFolders(train, trainImages, where);
  checkArchives(used, where);
  const tree: Tree = {
    classes: [...found],
    images: { train: [], test: [] },
    others: used
      .filter(isOther)
      .map(({ path }) => path)
      .sort(),
    notes,
  };
  const testImages = imagesOf(test, labelsOf(test, listing), where);
  for (const { path, split, className } of trainImages.concat(testImages)) {
    const label = labels.get(keyOf(className));
    if (label === undefined) throw unknownClass(path, className, found, where);
    tree.images[split].push({ path, split, className: found[label]!, label, index: 0 });
  }
  for (const list of [tree.images.train, tree.images.test]) {
    putInOrder(list);
  }
  if (tree.others.length > 0) notes.unshift(othersNote(tree.others));
  return tree;
}

/** By class, then by path; the place in this order is an image's index. */
export function putInOrder(images: TreeImage[]): void {
  images.sort((a, b) => a.label - b.label || (a.path < b.path ? -1 : 1));
  for (const [index, image] of images.entries()) image.index = index;
}

/** A file or folder below a folder of a split. */
interface TreeFile {
  path: string;
  split: SplitName;
  /** The split's folder, and its place among others of the same split. */
  folder: string;
  rank: number;
  /** What follows it; of a folder the last is empty. */
  rest: string[];
  format: Format | undefined;
  /** Of an image, as its folder or a list says it; '' where that hasn't been looked at. */
  className: string;
}

function treeFile(
  path: string,
  { formats }: Listed,
  above: ReadonlySet<string>,
): TreeFile | undefined {
  const parts = path.split('/');
  const at = splitAt(parts, above);
  if (at < 0 || at === parts.length - 1) return undefined;
  const folder = parts[at]!;
  const format = path.endsWith('/') ? undefined : (formatOfName(path) ?? formats?.get(path));
  return {
    path,
    folder,
    ...splitFolder(folder)!,
    rest: parts.slice(at + 1),
    format,
    className: '',
  };
}

function isImage({ format }: TreeFile): boolean {
  return format !== undefined;
}

/** Whether it is a file in a folder of a class, or deeper, and no image. */
function isOther({ format, rest }: TreeFile): boolean {
  return format === undefined && rest.length > 1 && rest.at(-1) !== '';
}

/** Files of a split may lie in one folder only: of `train` and `Train`, or `training`, neither is the right one. */
function checkOneFolder(files: readonly TreeFile[], where: string): void {
  const [one, other] = [...new Set(files.filter(isImage).map(({ folder }) => folder))].sort();
  if (other === undefined) return;
  throw new RethinkError(
    'data',
    `${where} has images in ${quoted(`${one}/`)} and in ${quoted(`${other}/`)}, and one of them can be the split.`,
    { hint: 'Put their images together, or take one of them away.' },
  );
}

/** The files of the test set: those of the first folder that has labels, or of the first one at all. */
function testFiles(
  files: readonly TreeFile[],
  labels: ReadonlyMap<string, number>,
  listing: Listed,
  where: string,
  notes: string[],
): TreeFile[] {
  const all = files.filter(({ split }) => split === 'test');
  const ranks = [...new Set(all.filter(isImage).map(({ rank }) => rank))].sort((a, b) => a - b);
  if (ranks.length === 0)
    throw missingSplit('test (or val, validation, valid, testing)', listing, where);
  const sets = ranks.map((rank) => all.filter((file) => file.rank === rank));
  const hasLabels = (set: TreeFile[]) =>
    labelsOf(set, listing) !== undefined ||
    set.some((file) => isImage(file) && labels.has(keyOf(classOf(file) ?? '')));
  const chosen = sets.find(hasLabels) ?? sets[0]!;
  checkOneFolder(chosen, where);
  if (chosen !== sets[0]) {
    const folder = (set: TreeFile[]) => `${set.find(isImage)!.folder}/`;
    notes.push(`${folder(sets[0]!)} has no labels: ${folder(chosen)} is the test set.`);
  }
  return chosen;
}

/** What a list beside the images says: names of classes by file name, as Tiny ImageNet has them. */
function labelsOf(set: readonly TreeFile[], { lists }: Listed): Map<string, string> | undefined {
  const list = set.find(({ path, rest }) => rest.length === 1 && lists?.has(path));
  if (list === undefined) return undefined;
  const lines = lists!.get(list.path)!.split(/\r?\n/);
  return new Map(lines.map((line) => line.split(/\s+/).slice(0, 2) as [string, string]));
}

/** @throws RethinkError (`data`) for an image in no folder of a class, and of a format that isn't read. */
function imagesOf(
  files: readonly TreeFile[],
  labels: ReadonlyMap<string, string> | undefined,
  where: string,
): TreeFile[] {
  const deep = files.find(({ rest }) => rest.length > DEEPEST);
  if (deep !== undefined) throw misplaced(deep.path, where);
  return files.filter(isImage).map((file) => {
    const { path, rest, format } = file;
    const listed = rest.length === 1 || (rest.length === 2 && isImages(rest[0]!));
    const className = labels !== undefined && listed ? labels.get(rest.at(-1)!) : classOf(file);
    if (className === undefined && labels !== undefined && listed) {
      throw new RethinkError('data', `${where}: no label for ${quoted(path)} in its list.`);
    }
    if (className === undefined) throw misplaced(path, where);
    // Set in place: there may be millions.
    file.className = className;
    if (FORMATS[format!].read) return file;
    throw new RethinkError(
      'data',
      `${where}: ${quoted(path)} is ${FORMATS[format!].label}, which is not read; ${READ_FORMATS} are.`,
      { hint: 'Convert it, or take it out of the tree.' },
    );
  });
}

/** Parts of a path below a split that may still be a folder's: in deeper ones listings don't look. */
const DEEPEST = 5;

function isImages(folder: string): boolean {
  return folder.toLowerCase() === 'images';
}

/** The class that a file's folder says; `undefined` where it lies elsewhere. */
function classOf({ rest }: TreeFile): string | undefined {
  const inClass = rest.length === 2 || (rest.length === 3 && isImages(rest[1]!));
  return inClass ? rest[0] : undefined;
}

/** What tells classes apart. */
function keyOf(className: string): string {
  return className.normalize('NFC');
}

/** The classes there are, in order; of two spellings of one name the first. */
function classNames(images: readonly TreeFile[], notes: string[]): string[] {
  const names = [...new Set(images.map(({ className }) => className))].sort();
  const first = new Map<string, string>();
  for (const name of names) if (!first.has(keyOf(name))) first.set(keyOf(name), name);
  if (first.size < names.length) {
    const twice = names.filter((name) => first.get(keyOf(name)) !== name);
    notes.push(
      `${named(twice)}: folders whose names differ in Unicode normalization alone are one class.`,
    );
  }
  return [...first.values()];
}

/** Every folder of training images has some. @throws RethinkError (`data`) naming one that hasn't. */
function checkFolders(files: readonly TreeFile[], images: readonly TreeFile[], where: string) {
  const present = new Set(images.map(({ className }) => className));
  const empty = files.find(({ rest }) => rest.length > 1 && !present.has(rest[0]!));
  if (empty === undefined) return;
  const { path, rest } = empty;
  throw emptyClass(path.slice(0, path.length - rest.slice(1).join('/').length), where);
}

/** @throws RethinkError (`data`) for the archive of a class that hasn't been unpacked beside it. */
function checkArchives(files: readonly TreeFile[], where: string): void {
  const archive = files.find(({ path, rest }) => {
    const name = rest[0]!.replace(ARCHIVE, '');
    return rest.length === 1 && ARCHIVE.test(path) && !files.some((file) => file.rest[0] === name);
  });
  if (archive === undefined) return;
  throw new RethinkError('data', `${where}: ${quoted(archive.path)} has not been unpacked.`, {
    hint: 'Unpack it into a folder of its class, or take it away.',
  });
}

export function checkClasses(
  classes: readonly string[],
  present: ReadonlySet<string>,
  where: string,
): void {
  const missing = classes.filter((name) => !present.has(keyOf(name)));
  if (missing.length > 0) {
    throw new RethinkError(
      'data',
      `${where} has no training images of ${grouped(missing.length)} of ${grouped(classes.length)} classes: ${named(missing)}.`,
    );
  }
  if (classes.length < 2) {
    throw new RethinkError('data', `${where} has one class only, ${quoted(classes[0]!)}.`, {
      hint: 'At least two folders of images are expected in train/.',
    });
  }
}
