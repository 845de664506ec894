import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import type { SplitName } from '../types.js';

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
}

/** Names of the folder that holds the test images; where there are several, the first. */
const TEST_FOLDERS = ['test', 'val', 'validation'];
const SPLIT_FOLDERS = ['train', ...TEST_FOLDERS];
const IMAGE = /\.(jpe?g|png)$/i;
const OTHER_IMAGE = /\.(gif|bmp|webp|tiff?|heic|heif|avif|jxl|jp2)$/i;

/**
 * Puts the files of a tree in order. Classes are in order of name (of code units: the same on every machine) unless
 * `classes` says which they are; files within a class are in order of name.
 *
 * @param paths Of all files, relative, with slashes; of folders, where they are known, with one at the end. One folder above
 * the splits is allowed, as tar often has.
 * @param where Names the tree in errors.
 * @throws RethinkError (`data`) for a missing split, unknown or empty classes, and images where none is expected.
 */
export function sortTree(paths: string[], where: string, classes?: readonly string[]): Tree {
  const files = paths.map(splitPath).filter((file) => file !== undefined);
  const folders = new Set(files.map((file) => file.folder));
  const testFolder = TEST_FOLDERS.find((name) => folders.has(name));
  if (!folders.has('train') || testFolder === undefined) {
    const lacking = folders.has('train') ? 'test (or val, validation)' : 'train';
    throw new RethinkError('data', `${where} has no images in ${lacking}/<class>/.`, {
      hint: 'A tree of <split>/<class>/*.jpg or *.png is expected, with splits train and test (or val).',
    });
  }
  const used = files.filter(({ folder }) => folder === 'train' || folder === testFolder);
  for (const { path, rest } of used) checkDepth(path, rest, where);
  const images = used.filter(({ path }) => IMAGE.test(path));
  const trainClasses = new Set(
    images.filter(({ folder }) => folder === 'train').map(({ rest }) => rest[0]!),
  );
  const found = classes ?? [...trainClasses].sort();
  checkClasses(found, trainClasses, where);
  const empty = paths.find((path) => isEmptyClass(path, trainClasses));
  if (empty !== undefined) throw emptyClass(empty, where);
  const labels = new Map(found.map((name, label) => [name, label]));
  const sorted: Tree = { classes: [...found], images: { train: [], test: [] } };
  for (const { path, folder, rest } of images) {
    const label = labels.get(rest[0]!);
    if (label === undefined) throw unknownClass(path, rest[0]!, found, where);
    const split = folder === 'train' ? 'train' : 'test';
    sorted.images[split].push({ path, split, className: rest[0]!, label, index: 0 });
  }
  for (const list of [sorted.images.train, sorted.images.test]) {
    list.sort((a, b) => a.label - b.label || (a.path < b.path ? -1 : 1));
    for (const [index, image] of list.entries()) image.index = index;
  }
  return sorted;
}

/** Whether this is a class's training folder that no image lies in. */
function isEmptyClass(path: string, present: ReadonlySet<string>): boolean {
  const parts = path.split('/');
  const at = parts[0] === 'train' ? 0 : 1;
  const [folder, name, end, ...more] = parts.slice(at);
  const isClass = folder === 'train' && end === '' && more.length === 0;
  return isClass && !name!.startsWith('.') && !present.has(name!);
}

/** Of a folder or tar that is there and holds nothing. */
export function emptyClass(path: string, where: string): RethinkError {
  return new RethinkError('data', `${where}: ${quoted(path)} has no images.`, {
    hint: 'Put the images of this class there, or take its folder away.',
  });
}

interface TreeFile {
  path: string;
  folder: string;
  /** What follows the split's folder. */
  rest: string[];
}

/** `undefined` for a file that is none of the tree's: hidden, a note beside the splits, what a file browser leaves. */
function splitPath(path: string): TreeFile | undefined {
  const parts = path.split('/');
  const name = parts.at(-1)!;
  if (name.startsWith('.') || !(IMAGE.test(name) || OTHER_IMAGE.test(name))) return undefined;
  const at = SPLIT_FOLDERS.includes(parts[0]!) ? 0 : 1;
  const folder = parts[at];
  if (folder === undefined || !SPLIT_FOLDERS.includes(folder)) return undefined;
  return { path, folder, rest: parts.slice(at + 1) };
}

function checkDepth(path: string, rest: string[], where: string): void {
  if (rest.length !== 2) {
    throw new RethinkError('data', `${where}: ${quoted(path)} is not at <split>/<class>/<file>.`);
  }
  if (!IMAGE.test(path)) {
    throw new RethinkError('data', `${where}: ${quoted(path)} is neither JPEG nor PNG.`, {
      hint: 'Convert it, or take it out of the tree.',
    });
  }
}

function checkClasses(classes: readonly string[], present: Set<string>, where: string): void {
  const missing = classes.filter((name) => !present.has(name));
  if (missing.length > 0) {
    throw new RethinkError(
      'data',
      `${where} has no training images of ${grouped(missing.length)} of ${grouped(classes.length)} classes: ${missing.slice(0, 10).map(quoted).join(', ')}.`,
    );
  }
  if (classes.length < 2) {
    throw new RethinkError('data', `${where} has one class only, ${quoted(classes[0]!)}.`, {
      hint: 'At least two folders of images are expected in train/.',
    });
  }
}

function unknownClass(
  path: string,
  name: string,
  classes: readonly string[],
  where: string,
): RethinkError {
  const shown = classes.slice(0, 10).join(', ');
  return new RethinkError(
    'data',
    `${where}: ${quoted(path)} is of an unknown class, ${quoted(name)}.`,
    {
      hint: `The classes are ${shown}${classes.length > 10 ? ', …' : ''}.`,
    },
  );
}
