import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { digestFile } from '../../disk/digest.js';
import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import type { Watching } from '../../progress.js';
import type { DataSource, SplitName } from '../types.js';
import { CIFAR, CIFAR_PYTHON } from './cifar.js';
import { asOfficial } from './content.js';
import { openDecoded } from './decoded.js';
import { IDX } from './idx.js';
import { PARQUET } from './parquet.js';
import { dataRoots, othersRoots, requireRoots } from './places.js';
import { STORE } from './store.js';
import type { Form, FormName, FormOf, Found, Layout, PublishedSpec } from './types.js';

/** The forms in which published data sets are found. */
export const LAYOUTS: { [L in FormName]: Layout<FormOf<L>> } = {
  cifar: CIFAR,
  'cifar-python': CIFAR_PYTHON,
  idx: IDX,
  parquet: PARQUET,
  store: STORE,
};

/** The layout of a form: whatever it is, it is the one of this form. */
export function layoutOf({ layout }: Form): Layout<Form> {
  return LAYOUTS[layout] as Layout<Form>;
}

/** `dir` (from the config) is the only place looked at where given. */
export interface Place {
  dir?: string | undefined;
  dataDir?: string | undefined;
  /** The one half that is wanted: files of the other need not be there. */
  only?: SplitName | undefined;
}

/**
 * Every copy of a data set, best first: the official bytes before an import, earlier folders before later ones, our own
 * before those of other programs.
 */
export function locateAll(spec: PublishedSpec, { dir, dataDir, only }: Place): Found[] {
  const bases = dir === undefined ? [...dataRoots(dataDir), ...othersRoots()] : [resolve(dir)];
  return [...new Set(bases)].flatMap((base) =>
    spec.forms.flatMap((form) => layoutOf(form).find(spec, form, base, dir !== undefined, only)),
  );
}

/** @throws RethinkError (`data`) naming every place looked at and the commands that get the data set. */
export function locate(spec: PublishedSpec, place: Place): Found {
  const { dir, dataDir } = place;
  if (dir === undefined) requireRoots(dataDir);
  const [found] = locateAll(spec, place);
  if (found !== undefined) return found;
  if (dir !== undefined) requireDir(dir);
  const looked = dir === undefined ? dataRoots(dataDir) : [resolve(dir)];
  const elsewhere =
    dir === undefined
      ? ', nor in ./data, ~/data or where PyTorch, Keras and Hugging Face keep it'
      : '';
  const partly = looked.flatMap((base) =>
    spec.forms.map((form) => layoutOf(form).partly?.(form, base) ?? ''),
  );
  throw new RethinkError(
    'data',
    `${spec.name} was not found in ${looked.join(', ')}${elsewhere}.${partly.find(Boolean) ?? ''}`,
    {
      hint: `${howToFetch(spec)}; without a network: rethink-gen data import PATH --as ${spec.name}`,
    },
  );
}

/** @throws RethinkError (`data`) where `data.dir` names nothing. */
export function requireDir(dir: string): void {
  if (existsSync(dir)) return;
  const path = resolve(dir);
  throw new RethinkError('data', `data.dir is ${path}, and there is no such file or folder.`);
}

/** The command that gets a data set. */
export function howToFetch({ name, forms: [{ files }] }: PublishedSpec): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `rethink-gen data fetch ${name} (${Math.round(bytes / 1e6)} MB)`;
}

export interface OpenFoundOptions extends Watching {
  /** Only some of its examples are wanted: a copy that can be read in part is not compared with the authors' digests. */
  part?: boolean | undefined;
  /** Leaves alone what was decoded before, and keeps nothing of it. */
  anew?: boolean | undefined;
}

/** Opens one copy of a published data set: as official where the digests of its files are, or of its content. */
export async function openFound(
  spec: PublishedSpec,
  found: Found,
  options: OpenFoundOptions = {},
): Promise<DataSource> {
  const layout = layoutOf(found.form);
  const origin = await originOf(found, options.signal);
  const source = await layout.open(spec, found, origin);
  if (origin === 'official' || !layout.official) return source;
  if (options.part && source.part !== undefined) {
    const note = `Only a part of ${found.path} is read, so that it isn't compared with the authors' digests: its examples have the file's order, and count as imported. For all others: rethink-gen data import ${found.path} --as ${spec.name}`;
    return { ...source, notes: [note] };
  }
  if (layout.slow && !options.anew) return openDecoded(spec, found, source, options);
  return (await asOfficial(spec, source, options)) ?? source;
}

/**
 * Whether a copy's files are those the authors publish, by digest. What can't be shown to be official counts as
 * imported: it can be used, but not compared with the paper.
 */
export async function originOf(
  { form, files }: Found,
  signal?: AbortSignal,
): Promise<'official' | 'imported'> {
  if (!layoutOf(form).official || files.some(({ md5 }) => md5 === undefined)) return 'imported';
  const right = await Promise.all(
    files.map(async ({ path, md5 }) => (await digestFile(path, 'md5', signal)) === md5),
  );
  return right.every(Boolean) ? 'official' : 'imported';
}

/** The size of a copy on the disk, in bytes. */
export function bytesOf({ files }: Found): number {
  return files.reduce((sum, { path }) => sum + (fileSize(path) ?? 0), 0);
}

/** A copy in a few words: `archive cifar-10-binary.tar.gz`. */
export function describeFound({ kind, path }: Found): string {
  const kinds: Record<Found['kind'], string> = {
    archive: `archive ${basename(path)}`,
    folder: 'unpacked folder',
    store: 'imported store',
    idx: 'idx files',
    parquet: 'Parquet files',
  };
  return kinds[kind];
}
