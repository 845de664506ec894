import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { digestFile } from '../../disk/digest.js';
import { renameDurably, syncFile } from '../../disk/files.js';
import { replaceFolder, withTemporaryFolder } from '../../disk/folders.js';
import { fileSize, isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted, type Watching } from '../../progress.js';
import { decodedBy } from '../image/decode.js';
import { formatOfName } from '../image/formats.js';
import { countPerClass } from '../inspect/per-class.js';
import { binaryForm } from '../published/content.js';
import { mismatch, requireSpec } from '../published/fetch.js';
import { layoutOf, locateAll, openFound, originOf } from '../published/locate.js';
import { dataRoots } from '../published/places.js';
import { isStore, readManifest, type StoreManifest } from '../published/store.js';
import type { CifarForm, Found, OfficialFile, PublishedSpec } from '../published/types.js';
import { isStream, listLocated, listStream, type TreePlace, treePlace } from '../tree/listing.js';
import type { DataSource, SplitName } from '../types.js';
import { storeTree } from './tree.js';
import { allRecords, writeBinary, writeStore } from './write.js';

export interface ImportOptions extends Watching {
  /** The data set that these images are. */
  as: string;
  dataDir?: string | undefined;
  /** Replace what was imported before. */
  force?: boolean | undefined;
  note?: ((message: string) => void) | undefined;
  /** @internal Other counts than the published ones, for tests. */
  spec?: PublishedSpec | undefined;
}

export interface ImportResult {
  name: string;
  /** The folder or file that now holds the data set. */
  path: string;
  origin: 'official' | 'imported';
  counts: Record<SplitName, number>;
  classes: string[];
  perClass: Record<SplitName, number[]>;
  /** It had been imported before, from the same source: nothing was done. */
  present: boolean;
}

/**
 * Brings a data set from a path into the data folder: a tree of images (`train|test/<class>/*.jpg|png`, folder, tar or
 * tar.gz) is decoded into a compact store; the official files are verified and copied; any other form is kept as the
 * authors' binary files where its content is theirs, else as a store. All or nothing: until the end the data folder looks
 * as before.
 *
 * @throws RethinkError: `usage` for an unknown name or where another import would be replaced, `data` where the images
 * aren't that data set.
 */
export async function importDataset(path: string, options: ImportOptions): Promise<ImportResult> {
  const spec = options.spec ?? requireSpec(options.as);
  const [root] = dataRoots(options.dataDir);
  const source = resolve(path);
  const [official] = locateAll(spec, { dir: source }).filter(({ form }) => layoutOf(form).official);
  // Only an archive has to be opened to tell what it is.
  const known = official !== undefined && official.kind !== 'archive';
  const place = known ? undefined : treePlace(source);
  if (place !== undefined && (await looksLikeTree(place, spec, options))) {
    return importStore(spec, place.path, root, options, (folder, sha256) =>
      storeTree(spec, place, folder, sha256, options),
    );
  }
  if (official === undefined) throw notImportable(spec, source);
  const binary = binaryForm(spec);
  // Of a data set whose content says nothing, only the files can be official.
  if (binary === undefined) return importOfficial(spec, official, root, options);
  const isDownload = official.kind === 'archive';
  if (isDownload && (await originOf(official, options.signal)) === 'official') {
    return importOfficial(spec, official, root, options);
  }
  const opened = await openFound(spec, official, { ...options, anew: true });
  if (opened.info.origin === 'official') return importBinary(spec, binary, opened, root, options);
  const decoder = official.kind === 'parquet' ? decodedBy('exact') : 'none: pixels as they were';
  return importStore(spec, official.path, root, options, (folder, sha256) => {
    const from = { source: { name: basename(official.path), sha256 }, decoder };
    return writeStore(spec, allRecords(opened, options.signal), from, folder, options);
  });
}

async function looksLikeTree(
  place: TreePlace,
  spec: PublishedSpec,
  watching: Watching,
): Promise<boolean> {
  if (!takesTrees(spec)) return false;
  if (place.kind !== 'folder') {
    // The official archive is known by its size; listing it would unpack it all.
    const size = fileSize(place.path);
    if (downloads(spec).some(({ bytes }) => bytes === size)) return false;
  }
  const list = isStream(place) ? listStream(place.path, watching) : listLocated(place, watching);
  const { paths } = await list;
  return paths.some((path) => formatOfName(path) !== undefined);
}

/** Whether a tree of images can be imported as this data set. */
function takesTrees({ forms }: PublishedSpec): boolean {
  return forms.some((form) => !layoutOf(form).official);
}

/** @param path Where the images come from. */
async function importStore(
  spec: PublishedSpec,
  path: string,
  root: string,
  options: ImportOptions,
  write: (folder: string, sha256: string | undefined) => Promise<StoreManifest>,
): Promise<ImportResult> {
  const target = join(root, spec.name);
  const before = isStore(target) ? await readManifest(target) : undefined;
  const sha256 = isFile(path) ? await digestFile(path, 'sha256', options.signal) : undefined;
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
  return await withTemporaryFolder(target, 'dataset', async (temporary) => {
    const manifest = await write(temporary, sha256);
    throwIfInterrupted(options.signal, `importing ${spec.name}`);
    replaceFolder(temporary, target);
    return resultOf(target, manifest, false);
  });
}

/** Keeps an official data set as the authors' binary files, whatever form it came in. */
async function importBinary(
  spec: PublishedSpec,
  form: CifarForm,
  source: DataSource,
  root: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const target = join(root, form.folder);
  const { counts, classes } = source.info;
  const { name } = spec;
  const done = { name, path: target, origin: 'official', counts, classes } as const;
  if (existsSync(target) && !options.force) {
    const found = locateAll(spec, { dir: target }).find((copy) => copy.path === target);
    if (found !== undefined && (await originOf(found, options.signal)) === 'official') {
      const perClass = await countPerClass(await openFound(spec, found, options), options);
      return { ...done, perClass, present: true };
    }
    throw new RethinkError(
      'usage',
      `${target} is there already, and is not the official ${name}.`,
      {
        hint: 'To replace it, import with --force.',
      },
    );
  }
  return await withTemporaryFolder(target, 'dataset', async (temporary) => {
    const records = allRecords(source, options.signal);
    const perClass = await writeBinary(spec, form, records, temporary, options);
    throwIfInterrupted(options.signal, `importing ${name}`);
    replaceFolder(temporary, target);
    return { ...done, perClass, present: false };
  });
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

/** The official files of every form. */
function downloads({ forms }: PublishedSpec): readonly OfficialFile[] {
  return forms.flatMap((form): readonly OfficialFile[] => ('files' in form ? form.files : []));
}

function notImportable(spec: PublishedSpec, path: string): RethinkError {
  const files = downloads(spec).map(({ file }) => file);
  const tree = takesTrees(spec) ? ', or a tree of images train|test/<class>/*.jpg or *.png' : '';
  return new RethinkError('data', `${path} holds nothing that could be ${spec.name}.`, {
    hint: `Expected: ${files.join(', ')}${tree}.`,
  });
}

/**
 * Verifies official files that were got elsewhere and copies them into the data folder.
 *
 * @throws RethinkError (`data`) where a digest is wrong.
 */
async function importOfficial(
  spec: PublishedSpec,
  found: Found,
  root: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const { files, below } = 'files' in found.form ? found.form : spec.forms[0];
  const folder = join(root, below);
  const pathOf = (name: string) => found.files.find(({ file }) => file === name)?.path;
  let present = true;
  for (const file of files) {
    const from = pathOf(file.file)!;
    const to = join(folder, file.file);
    const wrong = await mismatch(file, from, options.signal);
    if (wrong !== undefined) {
      throw new RethinkError('data', `${from} is not the official ${file.file}: ${wrong}.`, {
        hint: `To use its bytes as they are, name it with data.dir: they count as imported then.`,
      });
    }
    if (to === from) continue;
    if (fileSize(to) === file.bytes && !(await mismatch(file, to, options.signal))) continue;
    present = false;
    options.onProgress?.({
      what: `copying ${file.file}`,
      done: 0,
      total: file.bytes,
      unit: 'bytes',
    });
    await copyAtomically(from, to);
  }
  const source = await openFound(spec, found, options);
  const perClass = await countPerClass(source, options);
  const { counts, classes } = source.info;
  const path = files.length === 1 ? join(folder, files[0].file) : folder;
  return { name: spec.name, path, origin: 'official', counts, classes, perClass, present };
}

async function copyAtomically(from: string, to: string): Promise<void> {
  await withTemporaryFolder(to, 'dataset', async (folder) => {
    const copy = join(folder, basename(to));
    await copyFile(from, copy);
    syncFile(copy);
    renameDurably(copy, to);
  });
}
