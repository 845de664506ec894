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
import type { OfficialFile, PublishedSpec } from './types.js';

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
}

/**
 * Downloads the official files of a data set into the data folder. What is there and whole is left alone; what was
 * interrupted goes on; a file becomes visible only after its digest was checked.
 *
 * @throws RethinkError: `usage` for a data set that isn't published, `failed` without a network, `data` for wrong bytes.
 */
export async function fetchDataset(
  name: string,
  options: FetchOptions = {},
): Promise<FetchedFile[]> {
  const spec = options.spec ?? requireSpec(name);
  const [root] = dataRoots(options.dataDir);
  const [{ files, below }] = spec.forms;
  const folder = join(root, below);
  ensureFolder(folder, 'dataset');
  const fetched: FetchedFile[] = [];
  for (const file of files) {
    fetched.push(await fetchFile(spec, file, folder, options));
  }
  return fetched;
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

async function fetchFile(
  spec: PublishedSpec,
  file: OfficialFile,
  folder: string,
  options: FetchOptions,
): Promise<FetchedFile> {
  const { signal, onProgress } = options;
  const path = join(folder, file.file);
  const part = `${path}.part`;
  if (fileSize(path) === file.bytes && (await mismatch(file, path, signal)) === undefined) {
    return { path, bytes: file.bytes, present: true };
  }
  const url = urlOf(spec, file, options.baseUrl ?? process.env.RETHINK_GEN_MIRROR);
  try {
    await download(url, part, {
      bytes: file.bytes,
      owner: 'dataset',
      answerHint: 'Try again later, or set RETHINK_GEN_MIRROR to a server that has the file.',
      offlineHint: `Without a network: get ${urlOf(spec, file, undefined)} elsewhere and copy it to ${path}.`,
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
  return { path, bytes: file.bytes, present: false };
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

/** A mirror keeps MNIST's and Fashion-MNIST's files, which have the same names, in folders named for the data set. */
function urlOf(spec: PublishedSpec, file: OfficialFile, mirror: string | undefined): string {
  const [{ url, below }] = spec.forms;
  if (!mirror) return url + file.file;
  const base = mirror.endsWith('/') ? mirror : `${mirror}/`;
  const path = below === '' ? file.file : `${below}/${file.file}`;
  try {
    return new URL(path, base).href;
  } catch (error) {
    throw new RethinkError('usage', `The mirror ${JSON.stringify(mirror)} is not a URL.`, {
      hint: 'It looks like http://server.example/data/',
      cause: error,
    });
  }
}
