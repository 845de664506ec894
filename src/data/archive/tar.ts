import { pipeline, Readable } from 'node:stream';
import { constants, gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { withOpenFile } from '../../disk/reading.js';
import { messageOf, RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { type ReadBytesOptions, readBytes } from './bytes.js';
import { refusedEntry, safeEntryName } from './tar-name.js';

/** One regular file of an archive. What isn't read of it is skipped. */
export interface TarEntry {
  /** Without a leading `../`. */
  name: string;
  size: number;
  chunks: AsyncIterable<Buffer>;
}

export interface TarOptions extends ReadBytesOptions {
  /** Told of folders, by name: an empty one is seen nowhere else. */
  onFolder?: ((name: string) => void) | undefined;
}

const BLOCK = 512;

/**
 * The regular files of a tar or tar.gz, in the archive's order. Nothing is written anywhere: a name is only something
 * to compare with what the reader expects.
 *
 * @throws RethinkError (`data`) for absolute names, `..`, links, devices, duplicates and damage.
 */
export async function* readTar(path: string, options: TarOptions): AsyncGenerator<TarEntry> {
  const parser = extract();
  let failure: unknown;
  pipeline(Readable.from(complete(path, options), { objectMode: false }), parser, (error) => {
    failure ??= error;
  });
  const seen = new Set<string>();
  const told = (error: unknown) => {
    // The source's own error says more than the parser's 'premature close'.
    const cause = failure instanceof RethinkError ? failure : error;
    return cause instanceof RethinkError ? cause : invalid(path, cause);
  };
  try {
    for await (const entry of parser) {
      const name = checkedName(entry.header, path);
      // The parser waits for ever for the end of an entry whose size it can't read, and of a folder with content.
      const { size, type } = entry.header;
      if (!Number.isSafeInteger(size)) {
        throw refusedEntry(path, entry.header.name, 'has a size that is no number');
      }
      if (type === 'directory' && size !== 0) {
        throw refusedEntry(path, entry.header.name, 'is a folder and has a size');
      }
      if (seen.has(name)) throw refusedEntry(path, entry.header.name, 'comes twice');
      seen.add(name);
      const chunks = body(entry as unknown as AsyncIterable<Buffer>, told);
      if (type === 'directory') options.onFolder?.(name);
      if (type === 'file') yield { name, size: entry.header.size ?? 0, chunks };
      for await (const _ of chunks) {
        // What the reader left of this entry.
      }
    }
  } catch (error) {
    throw told(error);
  } finally {
    parser.destroy();
  }
}

function invalid(path: string, cause: unknown): RethinkError {
  return new RethinkError('data', `${path} is not a valid tar archive: ${firstSentence(cause)}.`, {
    hint: 'Get the file again; a tar or tar.gz is expected.',
    cause,
  });
}

/** The parser's second sentence guesses at the remedy. */
function firstSentence(error: unknown): string {
  return messageOf(error).split(/\.\s/)[0]!;
}

/** How far into an archive its first name is looked for: headers that only describe it come before. */
const MOST_BEFORE_FIRST = 1 << 16;

/** The name of an archive's first entry, tar or tar.gz; `undefined` where it isn't found at once. */
export function firstTarName(path: string): string | undefined {
  const start = withOpenFile(
    path,
    ({ size, readInto }) => {
      const bytes = Buffer.alloc(Math.min(MOST_BEFORE_FIRST, size));
      readInto(bytes, 0);
      return bytes;
    },
    'input',
  );
  let at = 0;
  try {
    const gzip = start[0] === 0x1f && start[1] === 0x8b;
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 26 };
    const blocks = gzip ? gunzipSync(start, options) : start;
    for (; at + BLOCK <= blocks.length; ) {
      const header = blocks.subarray(at, at + BLOCK);
      const field = (from: number, to: number) =>
        header.toString('latin1', from, to).replace(/\0.*$/s, '');
      // PAX's headers and GNU's long names describe the entry after them.
      if (!'xgLK'.includes(field(156, 157) || '0')) return field(0, 100).replace(/^(\.\/)+/, '');
      at += BLOCK + Math.ceil(Number.parseInt(field(124, 136), 8) / BLOCK) * BLOCK;
    }
  } catch {
    // No archive: its reader says what is wrong.
  }
  return undefined;
}

/** A whole entry in memory. */
export async function entryBytes(entry: TarEntry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry.chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * An entry's bytes, resumable: leaving a `for await` over the entry itself would destroy the whole archive with it.
 *
 * @param told What to throw for an error: it is thrown in the reader of the bytes.
 */
function body(
  entry: AsyncIterable<Buffer>,
  told: (error: unknown) => RethinkError,
): AsyncIterable<Buffer> {
  const chunks = entry[Symbol.asyncIterator]();
  let ended = false;
  const next = async (): Promise<IteratorResult<Buffer>> => {
    if (ended) return { done: true, value: undefined };
    try {
      const result = await chunks.next();
      ended = result.done === true;
      return result;
    } catch (error) {
      throw told(error);
    }
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** The unpacked bytes, refused at the end where tar's end mark (zeros) is missing: there a tar was cut. */
async function* complete(path: string, options: ReadBytesOptions): AsyncGenerator<Buffer> {
  let tail: Buffer = Buffer.alloc(0);
  let total = 0;
  for await (const chunk of readBytes(path, options)) {
    total += chunk.length;
    tail = chunk.length >= BLOCK ? chunk : Buffer.concat([tail, chunk]).subarray(-BLOCK);
    yield chunk;
  }
  if (total % BLOCK === 0 && total > 0 && tail.subarray(-BLOCK).every((byte) => byte === 0)) return;
  const records = options.progress?.();
  throw new RethinkError(
    'data',
    `${path} is truncated or not a tar archive: it ends after ${grouped(total)} bytes${records ? ` (${records})` : ''} without tar's end mark.`,
    { hint: 'Get the file again; a tar or tar.gz is expected.' },
  );
}

function checkedName({ name, type }: Header, path: string): string {
  if (type !== 'file' && type !== 'directory') {
    const what = `is a ${type ?? 'special file'}; only files and folders are read`;
    throw refusedEntry(path, name, what);
  }
  return safeEntryName(name, path);
}
