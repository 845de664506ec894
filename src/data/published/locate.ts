import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RethinkError } from '../../errors.js';
import { digestFile, fileSize, isFile } from '../files.js';
import { STORE_INFO } from '../import/store.js';
import type { DatasetInfo, SplitName } from '../types.js';
import { type CifarSpec, type IdxSpec, officialFiles, type PublishedSpec } from './catalog.js';
import { type IdxPaths, idxSpellings } from './idx.js';
import { dataRoots } from './roots.js';

/** A copy of a published data set on this machine. */
export type Found =
  | { kind: 'archive' | 'folder' | 'store'; path: string }
  | { kind: 'idx'; path: string; files: IdxPaths };

/** `dir` (from the config) is the only place looked at where given. */
export interface Place {
  dir?: string | undefined;
  dataDir?: string | undefined;
  /** The one half that is wanted: idx files of the other need not be there. */
  only?: SplitName | undefined;
}

/** Every copy of a data set, best first: the official bytes before an import, earlier folders before later ones. */
export function locateAll(spec: PublishedSpec, { dir, dataDir, only }: Place): Found[] {
  if (dir !== undefined) return candidates(spec, resolve(dir), true, only);
  return dataRoots(dataDir).flatMap((root) => candidates(spec, root, false, only));
}

/** @throws RethinkError (`data`) naming every place looked at and the commands that get the data set. */
export function locate(spec: PublishedSpec, place: Place): Found {
  const [found] = locateAll(spec, place);
  if (found !== undefined) return found;
  const { dir, dataDir } = place;
  if (dir !== undefined && !existsSync(dir)) {
    throw new RethinkError(
      'data',
      `data.dir is ${resolve(dir)}, and there is no such file or folder.`,
    );
  }
  const looked = dir === undefined ? dataRoots(dataDir) : [resolve(dir)];
  const partly = spec.layout === 'idx' ? incomplete(spec, looked) : '';
  throw new RethinkError('data', `${spec.name} was not found in ${looked.join(', ')}.${partly}`, {
    hint: howToGet(spec),
  });
}

/** The commands that get a data set. */
export function howToGet(spec: PublishedSpec): string {
  const bytes = officialFiles(spec).reduce((sum, file) => sum + file.bytes, 0);
  return `rethink-gen data fetch ${spec.name} (${Math.round(bytes / 1e6)} MB); without a network: rethink-gen data import PATH --as ${spec.name}`;
}

/**
 * Whether a copy's bytes are those the authors publish, by digest. What can't be shown to be official counts as
 * imported: it can be used, but not compared with the paper.
 */
export async function originOf(
  spec: PublishedSpec,
  found: Found,
  signal?: AbortSignal,
): Promise<DatasetInfo['origin']> {
  const official = await Promise.all(
    digests(spec, found).map(
      async ({ path, md5 }) => (await digestFile(path, 'md5', signal)) === md5,
    ),
  );
  return official.length > 0 && official.every(Boolean) ? 'official' : 'imported';
}

/** The files of a copy with the digests that their authors publish; empty for an import. */
export function digests(spec: PublishedSpec, found: Found): { path: string; md5: string }[] {
  if (found.kind === 'store') return [];
  if (spec.layout === 'cifar') {
    if (found.kind === 'archive') return [{ path: found.path, md5: spec.archive.md5 }];
    return spec.parts.map(({ file, md5 }) => ({ path: join(found.path, file), md5 }));
  }
  if (found.kind !== 'idx') return [];
  return spec.files.flatMap(({ file, md5, unpacked }) => {
    const path = found.files.get(file);
    return path === undefined ? [] : [{ path, md5: path.endsWith('.gz') ? md5 : unpacked.md5 }];
  });
}

function candidates(
  spec: PublishedSpec,
  base: string,
  given: boolean,
  only: SplitName | undefined,
): Found[] {
  if (spec.layout === 'idx') return idxCandidates(spec, base, given, only);
  const found: Found[] = [];
  if (given && isFile(base)) return [{ kind: 'archive', path: base }];
  const archive = join(base, spec.archive.file);
  if (isFile(archive)) found.push({ kind: 'archive', path: archive });
  const folders = given ? [base, join(base, spec.folder)] : [join(base, spec.folder)];
  for (const path of folders) {
    if (isCifarFolder(spec, path)) found.push({ kind: 'folder', path });
  }
  const stores = given ? [base, join(base, spec.name)] : [join(base, spec.name)];
  for (const path of stores) {
    if (isFile(join(path, STORE_INFO))) found.push({ kind: 'store', path });
  }
  return found;
}

/** One part is enough to recognise the folder; the reader names what is missing of the others. */
function isCifarFolder(spec: CifarSpec, path: string): boolean {
  // An imported store has a train.bin too, as CIFAR-100 has.
  if (isFile(join(path, STORE_INFO))) return false;
  return spec.parts.some((part) => isFile(join(path, part.file)));
}

function idxCandidates(
  spec: IdxSpec,
  base: string,
  given: boolean,
  only: SplitName | undefined,
): Found[] {
  const needed = spec.files.filter(({ split }) => only === undefined || split === only);
  return idxFolders(spec, base, given).flatMap((path): Found[] => {
    const files = idxFiles(spec, path);
    return needed.every(({ file }) => files.has(file)) ? [{ kind: 'idx', path, files }] : [];
  });
}

/** MNIST and Fashion-MNIST use the same file names: only a folder that is given, or named for one of them, tells. */
function idxFolders(spec: IdxSpec, base: string, given: boolean): string[] {
  const start = given && isFile(base) ? dirname(base) : base;
  const below = spec.folders.map((folder) => join(start, folder));
  return given ? [start, ...below] : below;
}

function idxFiles(spec: IdxSpec, folder: string): IdxPaths {
  const found: IdxPaths = new Map();
  for (const file of spec.files) {
    const path = idxSpellings(file)
      .map((name) => join(folder, name))
      .find(isFile);
    if (path !== undefined) found.set(file.file, path);
  }
  return found;
}

/** Says which of the four files are missing, where only some are there. */
function incomplete(spec: IdxSpec, looked: string[]): string {
  for (const folder of looked.flatMap((base) => idxFolders(spec, base, true))) {
    const there = idxFiles(spec, folder);
    if (there.size === 0 || there.size === spec.files.length) continue;
    const missing = spec.files.filter(({ file }) => !there.has(file)).map(({ file }) => file);
    return ` ${folder} holds only a part of it: ${missing.join(', ')} missing.`;
  }
  return '';
}

/** The size of a copy on the disk, in bytes. */
export async function bytesOf(spec: PublishedSpec, found: Found): Promise<number> {
  const paths =
    found.kind === 'store'
      ? ['train.bin', 'test.bin', STORE_INFO].map((file) => join(found.path, file))
      : digests(spec, found).map(({ path }) => path);
  const sizes = await Promise.all(paths.map(fileSize));
  return sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
}

/** A copy in a few words: `official archive cifar-10-binary.tar.gz`. */
export function describeFound(found: Found): string {
  const kinds = {
    archive: `archive ${basename(found.path)}`,
    folder: 'unpacked folder',
    store: 'imported store',
    idx: 'idx files',
  };
  return kinds[found.kind];
}
