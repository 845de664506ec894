import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeAbandoned, replaceFolder, temporaryName } from '../../disk/folders.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { digestFile, fileError, fileSize, isFile } from '../files.js';
import { officialFiles, type PublishedSpec } from '../published/catalog.js';
import { requireSpec } from '../published/fetch.js';
import { locateAll } from '../published/locate.js';
import { dataRoots } from '../published/roots.js';
import { listArchive, listFolder, type TreePlace, treePlace } from '../tree/tree-files.js';
import { importOfficial } from './official.js';
import { readManifest, STORE_INFO, type StoreManifest } from './store.js';
import { storeTree } from './tree.js';
import type { ImportOptions, ImportResult } from './types.js';

/**
 * Brings a data set from a path into the data folder: a tree of images (`train|test/<class>/*.jpg|png`, folder, tar or
 * tar.gz) is decoded into a compact store; the official files are verified and copied. All or nothing: until the end
 * the data folder looks as before.
 *
 * @throws RethinkError: `usage` for an unknown name or where another import would be replaced, `data` where the images
 * aren't that data set.
 */
export async function importDataset(path: string, options: ImportOptions): Promise<ImportResult> {
  const spec = options.spec ?? requireSpec(options.as);
  const [root] = dataRoots(options.dataDir);
  const source = resolve(path);
  const place = treePlace(source);
  const [official] = locateAll(spec, { dir: source }).filter(({ kind }) => kind !== 'store');
  const isTree = await looksLikeTree(place, spec, options.signal);
  if (official !== undefined && !isTree) return importOfficial(spec, official, root, options);
  if (!isTree || spec.layout === 'idx') throw notImportable(spec, source);
  return importTree(spec, place, root, options);
}

async function looksLikeTree(
  place: TreePlace,
  spec: PublishedSpec,
  signal?: AbortSignal,
): Promise<boolean> {
  if (spec.layout === 'idx') return false;
  // The official archive is known by its size; listing it would unpack it all.
  if (place.kind === 'archive' && (await fileSize(place.path)) === spec.archive.bytes) return false;
  const paths =
    place.kind === 'folder' ? listFolder(place.path) : await listArchive(place.path, signal);
  return paths.some((path) => /\.(jpe?g|png)$/i.test(path));
}

async function importTree(
  spec: PublishedSpec,
  place: TreePlace,
  root: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const target = join(root, spec.name);
  const before = isFile(join(target, STORE_INFO)) ? await readManifest(target) : undefined;
  const sha256 =
    place.kind === 'archive' ? await digestFile(place.path, 'sha256', options.signal) : undefined;
  if (before !== undefined && !options.force) {
    if (sha256 === before.source.sha256) return resultOf(target, before, true);
    throw new RethinkError(
      'usage',
      `${target} holds ${spec.name} already, imported from ${before.source.name}.`,
      { hint: 'To replace it, import with --force.' },
    );
  }
  if (before === undefined && existsSync(target)) {
    throw new RethinkError('usage', `${target} is there already, and is no import of ours.`, {
      hint: 'Move it elsewhere, or choose another --data-dir.',
    });
  }
  const temporary = temporaryName(target);
  try {
    await mkdir(temporary, { recursive: true });
    const manifest = await storeTree(spec, place, temporary, sha256, options);
    throwIfInterrupted(options.signal, `importing ${spec.name}`);
    await replaceFolder(temporary, target);
    await removeAbandoned(target);
    return resultOf(target, manifest, false);
  } catch (error) {
    throw fileError(error, 'write', target, 'failed');
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function resultOf(path: string, manifest: StoreManifest, present: boolean): ImportResult {
  const { name, origin, classes, train, test } = manifest;
  return {
    name,
    path,
    origin,
    classes,
    counts: { train: train.count, test: test.count },
    perClass: { train: train.perClass, test: test.perClass },
    present,
  };
}

function notImportable(spec: PublishedSpec, path: string): RethinkError {
  const files = officialFiles(spec).map(({ file }) => file);
  const tree =
    spec.layout === 'idx' ? '' : ', or a tree of images train|test/<class>/*.jpg or *.png';
  return new RethinkError('data', `${path} holds nothing that could be ${spec.name}.`, {
    hint: `Expected: ${files.join(', ')}${tree}.`,
  });
}
