import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasOwnImages, isDataset, PUBLISHED_NAMES } from '../../config/datasets.js';
import { digestFile } from '../../disk/digest.js';
import { diskError } from '../../disk/errors.js';
import { ensureFolder, renameDurably } from '../../disk/files.js';
import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { download } from '../../net/download.js';
import { shownUrl } from '../../net/url.js';
import type { OnProgress } from '../../progress.js';
import { quoted } from '../../text.js';
import { publishedSpec } from './catalog.js';
import { dataRoots } from './places.js';
import type { Download, OfficialFile, PublishedSpec } from './types.js';

export interface FetchOptions {
  dataDir?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** A server that has the official files in place of their authors' (default: RETHINK_GEN_MIRROR, if set). */
  baseUrl?: string | undefined;
  /** @internal Another data set's files, for tests. */
  spec?: PublishedSpec | undefined;
}

export interface FetchedFile {
  path: string;
  bytes: number;
  /** It was there already, and whole. */
  present: boolean;
  /** The place that it came from. */
  from?: string;
  /** Why the places before that one did not do, in their order. */
  failed?: string[];
}

/** One place that has a file. */
interface Place {
  form: Download;
  file: OfficialFile;
  url: string;
}

/**
 * Downloads the official files of a data set into the data folder. What is there and whole is left alone; what was
 * interrupted goes on, at the next place where one fails; a file becomes visible only after its digest was checked.
 * Where no place has the first form of the data set, the next form is tried.
 *
 * @throws RethinkError: `usage` for a data set that isn't published, `failed` without a network, `data` for wrong bytes.
 */
export async function fetchDataset(
  name: string,
  options: FetchOptions = {},
): Promise<FetchedFile[]> {
  const spec = options.spec ?? requireSpec(name);
  const [root] = dataRoots(options.dataDir);
  const forms = spec.forms.filter((form) => 'urls' in form);
  const mirror = options.baseUrl ?? process.env.RETHINK_GEN_MIRROR;
  for (const form of forms) {
    const there = await presentFiles(form, join(root, form.below), options.signal);
    if (there !== undefined) return there;
  }
  const failures: RethinkError[] = [];
  for (const form of forms) {
    const folder = join(root, form.below);
    ensureFolder(folder, 'dataset');
    const fetched: FetchedFile[] = [];
    for (const file of form.files) {
      const places = placesOf(form, file, mirror);
      const got = await fetchFile(places, folder, failures, options);
      if (got === undefined) break;
      fetched.push(got);
    }
    if (fetched.length === form.files.length) return fetched;
  }
  throw allFailed(failures);
}

/** The files of a form where all are there and right. */
async function presentFiles(
  { files }: Download,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<FetchedFile[] | undefined> {
  const present: FetchedFile[] = [];
  for (const file of files) {
    const path = join(folder, file.file);
    if (!(await isWhole(file, path, signal))) return undefined;
    present.push({ path, bytes: file.bytes, present: true });
  }
  return present;
}

async function isWhole(file: OfficialFile, path: string, signal: AbortSignal | undefined) {
  return fileSize(path) === file.bytes && (await mismatch(file, path, signal)) === undefined;
}

/** What the first place says goes before what the others do. */
function allFailed([first, ...others]: RethinkError[]): RethinkError {
  if (others.length === 0) return first!;
  const also = others.map(({ message }) => message.replace(/\.$/, '')).join('; ');
  return new RethinkError(first!.kind, `${first!.message} Nor elsewhere: ${also}.`, {
    hint: first!.hint,
    cause: first,
  });
}

/**
 * The published data set of this name.
 *
 * @throws RethinkError (`usage`) naming those there are.
 */
export function requireSpec(name: string): PublishedSpec {
  const spec = publishedSpec(name);
  if (spec !== undefined) return spec;
  const why = hasOwnImages(name)
    ? `${name} is your own folder of images: name it with data.dir`
    : isDataset(name)
      ? `${name} data is generated: there is nothing to get`
      : `${quoted(name)} is no data set that is known`;
  throw new RethinkError('usage', `${why}.`, {
    hint: `Published data sets are ${PUBLISHED_NAMES.join(', ')}.`,
  });
}

/** A file from the first place that has it; `undefined` where none has, and `failures` says why. */
async function fetchFile(
  places: readonly Place[],
  folder: string,
  failures: RethinkError[],
  options: FetchOptions,
): Promise<FetchedFile | undefined> {
  const { file } = places[0]!;
  const path = join(folder, file.file);
  if (await isWhole(file, path, options.signal)) return { path, bytes: file.bytes, present: true };
  for (const place of places) {
    try {
      await fetchFrom(place, path, options);
      const failed = failures.map(({ message }) => message);
      const from = shownUrl(place.url);
      return { path, bytes: file.bytes, present: false, from, ...(failed[0] && { failed }) };
    } catch (error) {
      const skip = error instanceof RethinkError && ['failed', 'data'].includes(error.kind);
      if (!skip) throw error;
      failures.push(error);
    }
  }
  return undefined;
}

async function fetchFrom({ form, file, url }: Place, path: string, options: FetchOptions) {
  const { signal, onProgress } = options;
  const part = `${path}.part`;
  try {
    await download(url, part, {
      bytes: file.bytes,
      owner: 'dataset',
      answerHint: 'Try again later, or set RETHINK_GEN_MIRROR to a server that has the file.',
      offlineHint: `Without a network: get ${form.urls[0]}${file.file} elsewhere and copy it to ${path}.`,
      signal,
      onBytes: (done) =>
        onProgress?.({ what: `fetching ${file.file}`, done, total: file.bytes, unit: 'bytes' }),
    });
  } catch (error) {
    // Bytes of another file are no start for the next attempt.
    if (error instanceof RethinkError && error.kind === 'data') await rm(part, { force: true });
    throw error;
  }
  const wrong = await mismatch(file, part, signal);
  if (wrong !== undefined) {
    await rm(part, { force: true });
    throw new RethinkError(
      'data',
      `${shownUrl(url)} is not the official file: ${wrong}; it was deleted.`,
      {
        hint: 'Try again, or another RETHINK_GEN_MIRROR.',
      },
    );
  }
  try {
    renameDurably(part, path);
  } catch (error) {
    throw diskError(error, 'write', path, 'dataset');
  }
}

/** How a file's digest differs from the official one; `undefined` where it doesn't. */
export async function mismatch(
  file: OfficialFile,
  path: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const algorithm = file.sha256 === undefined ? 'md5' : 'sha256';
  const expected = file[algorithm]!;
  const digest = await digestFile(path, algorithm, signal);
  return digest === expected
    ? undefined
    : `its ${algorithm} is ${digest}, and ${expected} is expected`;
}

/** Where a file is. A mirror keeps MNIST's and Fashion-MNIST's, which have the same names, in folders named for the data set. */
function placesOf(form: Download, file: OfficialFile, mirror: string | undefined): Place[] {
  const { urls, below } = form;
  if (!mirror) return urls.map((url) => ({ form, file, url: url + file.file }));
  const base = mirror.endsWith('/') ? mirror : `${mirror}/`;
  const path = below === '' ? file.file : `${below}/${file.file}`;
  try {
    return [{ form, file, url: new URL(path, base).href }];
  } catch (error) {
    throw new RethinkError('usage', `The mirror ${JSON.stringify(mirror)} is not a URL.`, {
      hint: 'It looks like http://server.example/data/',
      cause: error,
    });
  }
}
