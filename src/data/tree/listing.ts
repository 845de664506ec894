import { type Dir, type Dirent, opendirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { diskError } from '../../disk/errors.js';
import { nameOfBytes, pathOnDisk } from '../../disk/names.js';
import { fileSize, KeptOpen } from '../../disk/reading.js';
import { atOnce, inTurns, takingTurns, type Watching } from '../../progress.js';
import { type ArchiveKind, archiveKind } from '../archive/kind.js';
import { entryBytes, readMembers } from '../archive/tar.js';
import { type TarPlace, unpackedTar, wholeTar } from '../archive/tar-scan.js';
import { FileCount, Unpacked } from '../archive/unpacked.js';
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
export async function listLocated(
  place: TreePlace,
  watching: Watching = {},
): Promise<LocatedListing> {
  return LISTERS[place.kind](place.path, watching);
}

const LISTERS: Record<
  TreePlace['kind'],
  (path: string, watching: Watching) => Promise<LocatedListing>
> = {
  folder: listFolder,
  tar: listTar,
  // Says that it can't be.
  stream: listTar,
  zip: async (path, watching) => {
    const { files, folders } = await unpackedZip(path, watching);
    const locate = (name: string): Location => inZip(path, files.get(name)!);
    return inTurns(look([...files.keys(), ...folders], locate), watching, `looking into ${path}`);
  },
};

async function listTar(path: string, watching: Watching): Promise<LocatedListing> {
  const unpacked = await unpackedTar(wholeTar(path), watching);
  const list = ({ files, folders }: Unpacked<TarPlace>) => {
    const looked = look([...files.keys(), ...folders], (name) => inTar(path, files.get(name)!));
    return inTurns(looked, watching, `looking into ${path}`);
  };
  return withSeveral(await list(unpacked), unpacked, list);
}

/** Adds what a file of several tars holds together. */
async function withSeveral<L extends Listing, P>(
  first: L,
  { tars, all }: Unpacked<P>,
  list: (unpacked: Unpacked<P>) => L | Promise<L>,
): Promise<L & Several<L>> {
  return all === undefined ? first : { ...first, several: { tars, all: await list(all) } };
}

/** Where a file of a tar lies in the archive's own. */
export function inTar(file: string, { offset, stored, holes }: TarPlace): Location {
  return { file, offset, bytes: stored, holes };
}

function inZip(file: string, { offset, bytes }: ZipPlace): Location {
  return { file, offset, bytes, zip: true };
}

/** What is wanted of files and folders of these names, and what their names don't say. */
function* look(
  names: string[],
  locate: (name: string) => Location,
): Generator<number, LocatedListing> {
  const listing = emptyListing(names.filter((name) => !isLeftBehind(name)));
  const open = new KeptOpen('input');
  try {
    for (const [i, path] of listing.paths.entries()) {
      yield i;
      if (path.endsWith('/')) continue;
      if (LIST.test(path)) {
        listing.lists.set(path, firstBytes(locate(path), MOST_LIST, open).toString('utf8'));
      } else if (isUnnamed(path)) {
        listing.formats.set(path, formatOfBytes(firstBytes(locate(path), FIRST_BYTES, open)));
      }
    }
  } finally {
    open.close();
  }
  return { ...listing, locate };
}

/** Lists a tar.gz, of which no file can be read by itself. @throws RethinkError (`data`) for damage. */
export async function listStream(
  path: string,
  { signal, onProgress }: Watching = {},
): Promise<StreamListing> {
  const unpacked = new Unpacked<number>(path);
  const formats = new Map<number, Format | undefined>();
  const lists = new Map<number, string>();
  let number = 0;
  let read = { done: 0, total: 0, unit: 'bytes' as const };
  const onBytes = (done: number, total: number) => {
    read = { done, total, unit: 'bytes' };
  };
  const turn = takingTurns({ signal, onProgress }, `reading ${path}`, () => read);
  const reading = { signal, maxBytes: mostUnpacked(path), onBytes };
  for await (const entry of readMembers(path, reading)) {
    await turn();
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
export function listFolder(path: string, watching: Watching = {}): Promise<LocatedListing> {
  return inTurns(listing(path), watching, `looking into ${path}`);
}

/** The same without a pause. */
export function listFolderAtOnce(path: string): LocatedListing {
  return atOnce(listing(path));
}

function* listing(path: string): Generator<number, LocatedListing> {
  const found: string[] = [];
  const count = new FileCount(path);
  const walk = function* (below: string, depth: number): Generator<number, void> {
    for (const entry of entriesOf(join(path, below))) {
      yield found.length;
      if (isLeftBehind(entry.name)) continue;
      const relative = below === '' ? entry.name : `${below}/${entry.name}`;
      const folder = isFolder(entry, join(path, relative));
      // Sizes of files would take a call of the system for each.
      count.add(undefined);
      found.push(folder ? `${relative}/` : relative);
      if (!folder) continue;
      if (depth < DEEP || (depth < DEEPEST && splitAt(relative.split('/')) >= 0)) {
        yield* walk(relative, depth + 1);
      }
    }
  };
  yield* walk('', 1);
  const locate = (name: string): Location => ({ file: join(path, name), offset: 0 });
  return yield* look(found, locate);
}

interface Entry {
  name: string;
  kind: Dirent<Buffer>;
}

/** What is in a folder, some at a time: there may be millions. Names are bytes: not all are UTF-8. */
function* entriesOf(path: string): Generator<Entry> {
  let folder: Dir | undefined;
  try {
    // What its types don't know is that names come in this encoding, too.
    const encoding = 'buffer' as BufferEncoding;
    folder = opendirSync(pathOnDisk(path), { encoding, bufferSize: 1024 });
    for (let read = folder.readSync(); read !== null; read = folder.readSync()) {
      const kind = read as unknown as Dirent<Buffer>;
      yield { name: nameOfBytes(kind.name), kind };
    }
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  } finally {
    folder?.closeSync();
  }
}

function isFolder({ kind }: Entry, path: string): boolean {
  if (!kind.isSymbolicLink()) return kind.isDirectory();
  try {
    return statSync(pathOnDisk(path)).isDirectory();
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}
