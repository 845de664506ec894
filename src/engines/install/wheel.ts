import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { digestFile, sha256 } from '../../disk/digest.js';
import { diskError } from '../../disk/errors.js';
import { messageOf, RethinkError } from '../../errors.js';
import type { OnProgress } from '../../progress.js';
import type { PinnedWheel } from './pinned.js';

/** A wheel that can be read: a zip, the whole of it or the parts that are wanted. */
export interface OpenWheel {
  wheel: PinnedWheel;
  /** For messages. */
  where: string;
  zip: ZipFile;
  entries: Entry[];
}

/** Path to write an entry to, relative to the installation; `undefined` leaves it out. Decides alone where files go. */
export type SelectFile = (entryName: string) => string | undefined;

/** The largest known RECORD has a sixth of this. */
const LARGEST_RECORD = 16 * 2 ** 20;

/**
 * Opens a wheel on this machine, after its digest was checked.
 *
 * @throws RethinkError: `data` where it is another or can't be read, `interrupted`.
 */
export async function openWheelFile(
  path: string,
  wheel: PinnedWheel,
  signal: AbortSignal | undefined,
): Promise<OpenWheel> {
  const digest = await digestFile(path, 'sha256', signal);
  if (digest !== wheel.sha256) {
    throw new RethinkError(
      'data',
      `The wheel ${path} is damaged: its SHA-256 is ${digest}, and should be ${wheel.sha256}.`,
      { hint: 'Delete it and fetch it again.' },
    );
  }
  try {
    const zip = await yauzl.openPromise(path, { autoClose: false });
    return { wheel, where: path, zip, entries: await entriesOf(zip) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

export async function entriesOf(zip: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of zip.eachEntry()) entries.push(entry);
  return entries;
}

/** Whether an entry is the list of a wheel's files and their digests. */
export function isRecord(entryName: string): boolean {
  return /^[^/]+\.dist-info\/RECORD$/.test(entryName);
}

export interface ExtractOptions {
  select: SelectFile;
  into: string;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Extracts chosen files, each checked against the wheel's RECORD, and that against its pinned digest.
 *
 * @returns Their SHA-256 by relative path.
 * @throws RethinkError: `data` where anything is other than its project published, `failed` where the disk refuses,
 * `interrupted`.
 */
export async function extractWheel(
  { wheel, where, zip, entries }: OpenWheel,
  options: ExtractOptions,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  try {
    const record = await readRecord(zip, entries, wheel);
    const chosen = entries.flatMap((entry) => {
      const path = options.select(entry.fileName);
      return path === undefined || entry.fileName.endsWith('/') ? [] : [{ entry, path }];
    });
    const total = chosen.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      const what = `unpacking ${wheel.file}`;
      options.onProgress?.({ what, done, total, unit: 'bytes' });
    };
    for (const { entry, path } of chosen) {
      const expected = record.get(entry.fileName);
      if (expected === undefined || expected.bytes !== entry.uncompressedSize) {
        throw new Error(`${entry.fileName} is not what RECORD says`);
      }
      const target = join(options.into, path);
      const digest = await extract(zip, entry, target, onBytes, options.signal);
      if (digest !== expected.sha256) {
        throw new Error(`the SHA-256 of ${entry.fileName} is not what RECORD says`);
      }
      digests[path] = digest;
    }
    return digests;
  } catch (error) {
    if (options.signal?.aborted) {
      throw new RethinkError('interrupted', `Interrupted while unpacking ${wheel.file}.`);
    }
    throw error instanceof RethinkError ? error : unreadable(where, error);
  } finally {
    zip.close();
  }
}

interface Recorded {
  sha256: string;
  bytes: number;
}

/** Lines of `path,sha256=DIGEST in base 64,bytes`; names with a comma stand in quotes, and none of those is wanted. */
async function readRecord(
  zip: ZipFile,
  entries: Entry[],
  wheel: PinnedWheel,
): Promise<Map<string, Recorded>> {
  const entry = entries.find(({ fileName }) => isRecord(fileName));
  if (entry === undefined || entry.uncompressedSize > LARGEST_RECORD) throw new Error('no RECORD');
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  const content = Buffer.concat(chunks);
  const digest = sha256(content);
  if (digest !== wheel.record) {
    throw new Error(`its RECORD has the SHA-256 ${digest}, and should have ${wheel.record}`);
  }
  const lines = content.toString('utf8').matchAll(/^([^",\n]+),sha256=([\w-]{43}),(\d+)\r?$/gm);
  return new Map(
    [...lines].map(([, path, encoded, bytes]) => [
      path!,
      { sha256: Buffer.from(encoded!, 'base64url').toString('hex'), bytes: Number(bytes) },
    ]),
  );
}

async function extract(
  zip: ZipFile,
  entry: Entry,
  target: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const source = await zip.openReadStreamPromise(entry);
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  // flush: fsync before close, so that a finished installation can't lose its largest file to a power cut.
  const sink = createWriteStream(target, { mode: 0o755, flush: true });
  await pipeline(source, tap, sink, { signal }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw diskError(error, 'write', target, 'engine');
  });
  return hash.digest('hex');
}

export function unreadable(where: string, cause: unknown): RethinkError {
  return new RethinkError('data', `The wheel ${basename(where)} is damaged: ${messageOf(cause)}.`, {
    hint: `Fetch ${where} again.`,
    cause,
  });
}
