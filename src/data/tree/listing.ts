import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { diskError } from '../../disk/errors.js';
import { nameOfBytes, pathOnDisk } from '../../disk/names.js';
import { fileSize } from '../../disk/reading.js';
import { type ArchiveKind, archiveKind } from '../archive/kind.js';
import { entryBytes, readMembers } from '../archive/tar.js';
import { type TarPlace, unpackedTar, wholeTar } from '../archive/tar-scan.js';
import { Unpacked } from '../archive/unpacked.js';
import { unpackedZip, type ZipPlace } from '../archive/zip.js';
import {
  FIRST_BYTES,
  type Format,
  formatOfBytes,
  formatOfName,
  isUnnamed,
} from '../image/formats.js';
import { firstBytes, type Location } from './location.js';
import { splitAt } from './splits.js';

/** Where a tree of images is kept. */
export interface TreePlace {
  path: string;
  kind: 'folder' | ArchiveKind;
}

/** What a place holds, the same from all of them. */
export interface Listing {
  /**
   * Paths of all files, relative and with slashes, and of folders, with one at their end. What systems and programs leave
   * behind is not among them: hidden files, `__MACOSX`, `Thumbs.db`.
   */
  paths: string[];
  /** What files are whose names don't say it; `undefined` for no images. */
  formats: Map<string, Format | undefined>;
  /** What lists of labels say that some data sets have beside their images, by path. */
  lists: Map<string, string>;
  /** Told to a person who uses it. */
  notes: string[];
}

/** Of a file that is several tars one behind the other: how many, and what all of them hold together. */
export interface Several<L> {
  several?: { tars: number; all: L };
}

/** A place in which each file can be read by itself. */
export interface LocatedListing extends Listing, Several<LocatedListing> {
  locate(path: string): Location;
}

/** A stream, in which files are known by the number of their entry. */
export interface StreamListing extends Listing, Several<StreamListing> {
  entryOf(path: string): number;
}

/** Tells a folder from archives. @throws RethinkError (`data`) where it is missing, or nothing that is read. */
export function treePlace(path: string): TreePlace {
  try {
    return { path, kind: statSync(path).isDirectory() ? 'folder' : archiveKind(path) };
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

/** Whether files can only be read in their order. */
export function isStream(place: TreePlace): boolean {
  return place.kind === 'stream';
}

/** Lists a place whose files can be read by themselves. @throws RethinkError (`data`) for a stream, and for damage. */
export async function listLocated(place: TreePlace, signal?: AbortSignal): Promise<LocatedListing> {
  return LISTERS[place.kind](place.path, signal);
}

const LISTERS: Record<
  TreePlace['kind'],
  (path: string, signal?: AbortSignal) => Promise<LocatedListing>
> = {
  folder: async (path) => listFolder(path),
  tar: listTar,
  // Says that it can't be.
  stream: listTar,
  zip: async (path, signal) => {
    const { files, folders } = await unpackedZip(path, signal);
    const locate = (name: string): Location => inZip(path, files.get(name)!);
    return look([...files.keys(), ...folders], locate);
  },
};

async function listTar(path: string, signal?: AbortSignal): Promise<LocatedListing> {
  const unpacked = await unpackedTar(wholeTar(path), signal);
  const list = ({ files, folders }: Unpacked<TarPlace>) =>
    look([...files.keys(), ...folders], (name) => inTar(path, files.get(name)!));
  return withSeveral(list(unpacked), unpacked, list);
}

/** Adds what a file of several tars holds together. */
function withSeveral<L extends Listing, P>(
  first: L,
  { tars, all }: Unpacked<P>,
  list: (unpacked: Unpacked<P>) => L,
): L & Several<L> {
  return all === undefined ? first : { ...first, several: { tars, all: list(all) } };
}

/** Where a file of a tar lies in the archive's own. */
export function inTar(file: string, { offset, stored, holes }: TarPlace): Location {
  return { file, offset, bytes: stored, holes };
}

function inZip(file: string, { offset, bytes }: ZipPlace): Location {
  return { file, offset, bytes, zip: true };
}

/** What is wanted of files and folders of these names, and what their names don't say. */
function look(names: string[], locate: (name: string) => Location): LocatedListing {
  const listing = emptyListing(names.filter((name) => !isLeftBehind(name)));
  for (const path of listing.paths) {
    if (path.endsWith('/')) continue;
    if (LIST.test(path)) {
      listing.lists.set(path, firstBytes(locate(path), MOST_LIST).toString('utf8'));
    } else if (isUnnamed(path)) {
      listing.formats.set(path, formatOfBytes(firstBytes(locate(path), FIRST_BYTES)));
    }
  }
  return { ...listing, locate };
}

/** Lists a tar.gz, of which no file can be read by itself. @throws RethinkError (`data`) for damage. */
export async function listStream(path: string, signal?: AbortSignal): Promise<StreamListing> {
  const unpacked = new Unpacked<number>(path);
  const formats = new Map<number, Format | undefined>();
  const lists = new Map<number, string>();
  let number = 0;
  for await (const entry of readMembers(path, { signal, maxBytes: mostUnpacked(path) })) {
    unpacked.add(entry, number);
    if (entry.kind === 'file' && LIST.test(entry.name)) {
      lists.set(number, (await entryBytes(entry, MOST_LIST)).toString('utf8'));
    } else if (entry.kind === 'file' && isUnnamed(entry.name)) {
      formats.set(number, formatOfBytes(await beginning(entry.chunks)));
    } else if (entry.kind === 'link' && isUnnamed(entry.name) && !isUnnamed(entry.target!)) {
      // The bytes of what it links to have gone by.
      const { files } = unpacked.all ?? unpacked;
      formats.set(files.get(entry.name)!, formatOfName(entry.target!));
    }
    number++;
  }
  const list = ({ files, folders }: Unpacked<number>): StreamListing => {
    const names = [...files.keys(), ...folders];
    const listing = emptyListing(names.filter((name) => !isLeftBehind(name)));
    for (const path of listing.paths) {
      const entry = files.get(path);
      if (entry === undefined) continue;
      if (lists.has(entry)) listing.lists.set(path, lists.get(entry)!);
      else if (isUnnamed(path)) listing.formats.set(path, formats.get(entry));
    }
    return { ...listing, entryOf: (path) => files.get(path)! };
  };
  return withSeveral(list(unpacked), unpacked, list);
}

async function beginning(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  while (first.length < FIRST_BYTES) {
    const { done, value } = await iterator.next();
    if (done) break;
    first = Buffer.concat([first, value.subarray(0, FIRST_BYTES)]);
  }
  return first;
}

function emptyListing(paths: string[]): Listing {
  return { paths, formats: new Map(), lists: new Map(), notes: [] };
}

/** Lists of labels that are read with the tree, and bytes of one. */
const LIST = /(^|\/)val_annotations\.txt$/;
const MOST_LIST = 64 * 2 ** 20;

/** What systems, file browsers and notebooks leave among images: no one's data. */
const LEFT_BEHIND =
  /(^|\/)(\.|(__macosx|thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r|@eadir|\$recycle\.bin)(\/|$))/i;

/** Whether a path is, or lies in, what is hidden or was left behind by a system. */
export function isLeftBehind(path: string): boolean {
  return LEFT_BEHIND.test(path);
}

/** Compressed images hardly shrink once more: what unpacks to a hundred times its size holds something else. */
export function mostUnpacked(path: string): number {
  return 100 * (fileSize(path) ?? 0) + 64 * 2 ** 20;
}

/** Levels of folders that are looked into, and more below a split: what lies deeper is seen to be there. */
const DEEP = 4;
const DEEPEST = 7;

/**
 * What a folder holds: its files and folders, but not what is hidden or left behind. Links are followed: this is the user's
 * own folder.
 */
export function listFolder(path: string): LocatedListing {
  const found: string[] = [];
  const walk = (below: string, depth: number) => {
    for (const entry of readFolder(join(path, below))) {
      if (isLeftBehind(entry.name)) continue;
      const relative = below === '' ? entry.name : `${below}/${entry.name}`;
      if (!isFolder(entry, join(path, relative))) {
        found.push(relative);
        continue;
      }
      found.push(`${relative}/`);
      if (depth < DEEP || (depth < DEEPEST && splitAt(relative.split('/')) >= 0)) {
        walk(relative, depth + 1);
      }
    }
  };
  walk('', 1);
  return look(found, (name) => ({ file: join(path, name), offset: 0 }));
}

type Entry = Pick<Dirent, 'name' | 'isSymbolicLink' | 'isDirectory'>;

function readFolder(path: string): Entry[] {
  try {
    const entries = readdirSync(pathOnDisk(path), { withFileTypes: true });
    // What isn't UTF-8 has lost its bytes: they are asked for again.
    if (!entries.some(({ name }) => name.includes('\ufffd'))) return entries;
    return readdirSync(pathOnDisk(path), { encoding: 'buffer' }).map((bytes) => {
      const name = nameOfBytes(bytes);
      const found = lstatSync(pathOnDisk(join(path, name)));
      return {
        name,
        isDirectory: () => found.isDirectory(),
        isSymbolicLink: () => found.isSymbolicLink(),
      };
    });
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

function isFolder(entry: Entry, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(pathOnDisk(path)).isDirectory();
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}
