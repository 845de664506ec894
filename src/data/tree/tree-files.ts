import { type Dirent, readdirSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from '../../disk/errors.js';
import { fileSize, requireRegular } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { entryBytes, readTar } from '../archive/tar.js';
import { MAX_IMAGE_BYTES, nameOf, type Where } from '../image/decode.js';
import type { Tree, TreeImage } from './tree.js';

/** Where a tree of images is kept. */
export interface TreePlace {
  path: string;
  kind: 'folder' | 'archive';
}

/** An image of a tree, its bytes yet to be read where it is a file of its own. */
export interface EncodedImage {
  image: TreeImage;
  load: () => Promise<Buffer>;
}

/** Tells a folder from an archive. */
export function treePlace(path: string): TreePlace {
  try {
    return { path, kind: statSync(path).isDirectory() ? 'folder' : 'archive' };
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

/**
 * Paths of all files of a folder, relative to it and with slashes, and of its folders, with one at their end; three levels
 * deep and one more, so that an image that lies too deep is seen. Links are followed: this is the user's own folder.
 */
export function listFolder(path: string): string[] {
  const found: string[] = [];
  const walk = (below: string, depth: number) => {
    for (const entry of readFolder(join(path, below))) {
      const relative = below === '' ? entry.name : `${below}/${entry.name}`;
      if (isFolder(entry, join(path, relative))) {
        if (entry.name.startsWith('.')) continue;
        found.push(`${relative}/`);
        if (depth < 4) walk(relative, depth + 1);
      } else {
        found.push(relative);
      }
    }
  };
  walk('', 1);
  return found;
}

/** Paths of all regular files of a tar or tar.gz, and of its folders, with a slash at their end. */
export async function listArchive(path: string, signal?: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const onFolder = (name: string) => found.push(asFolder(name));
  const options = { signal, maxBytes: mostUnpacked(path), onFolder };
  for await (const entry of readTar(path, options)) found.push(entry.name);
  return found;
}

/** A folder's path as `sortTree` knows it from a file's. */
export function asFolder(name: string): string {
  return name.endsWith('/') ? name : `${name}/`;
}

/**
 * The images of a tree: from a folder in order of index, from an archive in the archive's order.
 *
 * @param wanted Only these; each carries its own index.
 */
export async function* readTreeFiles(
  place: TreePlace,
  wanted: readonly TreeImage[],
  signal?: AbortSignal,
): AsyncGenerator<EncodedImage> {
  if (place.kind === 'folder') {
    for (const image of wanted) {
      yield { image, load: () => loadFile(join(place.path, image.path)) };
    }
    return;
  }
  const byPath = new Map(wanted.map((image) => [image.path, image]));
  const options = { signal, maxBytes: mostUnpacked(place.path) };
  for await (const entry of readTar(place.path, options)) {
    const image = byPath.get(entry.name);
    if (image === undefined) continue;
    checkBytes(entry.size, `${place.path}: ${quoted(entry.name)}`);
    const bytes = await entryBytes(entry);
    yield { image, load: async () => bytes };
  }
}

/** All images of a tree, both splits. */
export function allImages(tree: Tree): TreeImage[] {
  return [...tree.images.train, ...tree.images.test];
}

/** Compressed images hardly shrink once more: what unpacks to a hundred times its size holds something else. */
function mostUnpacked(path: string): number {
  return 100 * (fileSize(path) ?? 0) + 64 * 2 ** 20;
}

/** A whole file, if one image can be as large. */
export async function loadFile(path: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    requireRegular(found, path);
    checkBytes(found.size, path);
    return await readFile(path);
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

/** @throws RethinkError (`data`) for more bytes than one image can have. */
export function checkBytes(bytes: number, where: Where): void {
  if (bytes <= MAX_IMAGE_BYTES) return;
  throw new RethinkError(
    'data',
    `${nameOf(where)} has ${grouped(bytes)} bytes, more than one image can have (${grouped(MAX_IMAGE_BYTES)}).`,
  );
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

function isFolder(entry: Dirent, path: string): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}
