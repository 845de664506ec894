import type { Readable } from 'node:stream';
import yauzl, { type Entry } from 'yauzl';
import { diskError } from '../../disk/errors.js';
import { limitError } from '../../disk/limits.js';
import { messageOf, RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { grouped, quoted } from '../../text.js';
import type { NdArray } from './ndarray.js';
import { parseNpy } from './npy.js';

/** A zip has a table of its entries at its end; more than this is no file of arrays. */
const MOST_ENTRIES = 10_000;

/**
 * The arrays of a `.npz` file by name; `undefined` for a zip that holds none.
 *
 * @param limit Bytes of all arrays, unpacked.
 * @throws RethinkError (`data`) where it is damaged, or an array is of what is no number.
 */
export async function npzArrays(
  path: string,
  limit: number,
  watching?: Watching,
): Promise<Map<string, NdArray> | undefined> {
  const wanted = (name: string) => name.endsWith('.npy');
  const entries = await readZipEntries(path, wanted, limit, watching);
  if (entries.size === 0) return undefined;
  const arrays = [...entries].map(
    ([name, bytes]) => [name.replace(/\.npy$/, ''), parseNpy(bytes, `${path}: ${name}`)] as const,
  );
  return new Map(arrays);
}

/**
 * Entries of a zip: a `.npz` of NumPy's (`NAME.npy`), a `.pt` of PyTorch's.
 *
 * @param wanted Whether an entry of this name is read.
 * @param limit Bytes of all entries that are read, unpacked.
 * @returns Their bytes by name.
 * @throws RethinkError (`data`) where the file is missing, damaged or holds more than `limit`.
 */
export async function readZipEntries(
  path: string,
  wanted: (name: string) => boolean,
  limit: number,
  watching: Watching = {},
): Promise<Map<string, Buffer>> {
  const turn = takingTurns(watching, `reading ${path}`);
  const found = new Map<string, Buffer>();
  const zip = await yauzl.openPromise(path, { autoClose: false }).catch((error: unknown) => {
    throw damaged(path, error);
  });
  try {
    if (zip.entryCount > MOST_ENTRIES) {
      throw new RethinkError('data', `${path} holds ${grouped(zip.entryCount)} entries.`);
    }
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      if (!wanted(entry.fileName)) continue;
      total += entry.uncompressedSize;
      if (total > limit) {
        throw new RethinkError('data', `${path} holds more than ${grouped(limit)} bytes.`);
      }
      if (found.has(entry.fileName)) {
        throw new RethinkError('data', `${path} holds ${quoted(entry.fileName)} twice.`);
      }
      found.set(entry.fileName, await bytesOf(entry, await zip.openReadStreamPromise(entry), turn));
    }
    return found;
  } catch (error) {
    throw error instanceof RethinkError ? error : damaged(path, error);
  } finally {
    zip.close();
  }
}

/** yauzl ends the stream with an error where an entry is longer or shorter than it says. */
async function bytesOf(
  entry: Entry,
  stream: Readable,
  turn: ReturnType<typeof takingTurns>,
): Promise<Buffer> {
  const bytes = Buffer.alloc(entry.uncompressedSize);
  let at = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    at += chunk.copy(bytes, at);
    await turn();
  }
  return bytes;
}

function damaged(path: string, cause: unknown): RethinkError {
  const limit = limitError(cause);
  if (limit !== undefined) return limit;
  if ((cause as NodeJS.ErrnoException).syscall !== undefined) {
    return diskError(cause, 'read', path, 'input');
  }
  return new RethinkError('data', `${path} can't be read as a zip: ${messageOf(cause)}.`, {
    hint: 'Get the file again.',
    cause,
  });
}
