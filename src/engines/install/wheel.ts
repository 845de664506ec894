import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl, { type Entry } from 'yauzl';
import { digestFile } from '../../disk/digest.js';
import { diskError } from '../../disk/errors.js';
import { messageOf, RethinkError } from '../../errors.js';
import type { OnProgress } from '../../progress.js';

/**
 * SHA-256 of a wheel, in hex.
 *
 * @param expected Of the published one; `undefined` where it isn't known.
 * @throws RethinkError: `data` where it is another or can't be read, `interrupted`.
 */
export async function checkWheel(
  wheel: string,
  expected: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const sha256 = await digestFile(wheel, 'sha256', signal);
  if (expected === undefined || expected === sha256) return sha256;
  throw new RethinkError(
    'data',
    `The wheel ${wheel} is damaged: its SHA-256 is ${sha256}, and should be ${expected}.`,
    { hint: 'Delete it and fetch it again.' },
  );
}

export interface ExtractOptions {
  /** Path to write an entry to, relative to `into`; `undefined` leaves it out. Decides alone where files go. */
  select(entryName: string): string | undefined;
  into: string;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** Extracts chosen files of a wheel (a zip); yauzl checks sizes and names. Returns their relative paths. */
export async function extractWheel(wheel: string, options: ExtractOptions): Promise<string[]> {
  const zip = await yauzl.openPromise(wheel, { autoClose: false }).catch((error: unknown) => {
    throw damaged(wheel, error);
  });
  try {
    const chosen: { entry: Entry; path: string }[] = [];
    for await (const entry of zip.eachEntry()) {
      const path = options.select(entry.fileName);
      if (path !== undefined && !entry.fileName.endsWith('/')) chosen.push({ entry, path });
    }
    const total = chosen.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let done = 0;
    for (const { entry, path } of chosen) {
      const target = join(options.into, path);
      await mkdir(dirname(target), { recursive: true });
      const source = await zip.openReadStreamPromise(entry);
      source.on('data', (bytes: Buffer) => {
        done += bytes.length;
        options.onProgress?.({ what: `unpacking ${basename(wheel)}`, done, total, unit: 'bytes' });
      });
      // flush: fsync before close, so that a finished installation can't lose its largest file to a power cut.
      const sink = createWriteStream(target, { mode: 0o755, flush: true });
      await pipeline(source, sink, { signal: options.signal }).catch((error: unknown) => {
        if (options.signal?.aborted) {
          throw new RethinkError('interrupted', `Interrupted while unpacking ${basename(wheel)}.`);
        }
        if ((error as NodeJS.ErrnoException).syscall !== undefined) {
          throw diskError(error, 'write', target, 'engine');
        }
        throw damaged(wheel, error);
      });
    }
    return chosen.map(({ path }) => path);
  } catch (error) {
    throw error instanceof RethinkError ? error : damaged(wheel, error);
  } finally {
    zip.close();
  }
}

function damaged(wheel: string, cause: unknown): RethinkError {
  return new RethinkError('data', `The wheel ${wheel} can't be read: ${messageOf(cause)}.`, {
    hint: 'Fetch it again.',
    cause,
  });
}
