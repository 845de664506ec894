import { constants, gunzipSync } from 'node:zlib';
import { withOpenFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { ByteReader, type ReadBytesOptions, readBytes } from './bytes.js';
import { refusedEntry } from './entry-name.js';
import { requireTar } from './kind.js';
import { padded } from './tar-fields.js';
import { cutTar, parseTar, type TarMember } from './tar-format.js';
import { fillHoles } from './tar-sparse.js';

/** One entry of an archive, and its bytes. What isn't read of it is skipped. */
export interface TarEntry extends TarMember {
  chunks: AsyncIterable<Buffer>;
}

/**
 * The entries of a tar or tar.gz, in the archive's order, folders and hard links among them. Nothing is written anywhere:
 * a name is only something to compare with what the reader expects.
 *
 * @throws RethinkError (`data`) as `parseTar` and `readBytes`.
 */
export async function* readMembers(
  path: string,
  options: ReadBytesOptions,
): AsyncGenerator<TarEntry> {
  requireTar(path);
  const bytes = new ByteReader(readBytes(path, options));
  const parser = parseTar(path);
  let read = 0;
  // Of the entry's content, padding included.
  let left = 0;
  const more = async (most: number): Promise<Buffer> => {
    const chunk = await bytes.some(Math.min(most, left));
    if (chunk.length === 0) {
      const records = options.progress?.();
      throw cutTar(path, read, inside, records && ` (${records})`);
    }
    read += chunk.length;
    left -= chunk.length;
    return chunk;
  };
  let inside: string | undefined;
  try {
    for (let step = parser.next(); !step.done; ) {
      const { value } = step;
      if ('take' in value) {
        const taken = await bytes.take(value.take);
        read += taken.length;
        step = parser.next(taken);
        continue;
      }
      if ('pass' in value) left = value.pass;
      else {
        const { member } = value;
        inside = member.name;
        left = padded(member.stored);
        yield { ...member, chunks: contentOf(member, more) };
      }
      while (left > 0) await more(left);
      step = parser.next();
    }
  } finally {
    await bytes.close();
  }
}

/** The content of an entry, without its padding: can be left and gone on with. */
function contentOf(
  { stored, holes }: TarMember,
  more: (most: number) => Promise<Buffer>,
): AsyncIterable<Buffer> {
  let unread = stored;
  const next = async (): Promise<IteratorResult<Buffer>> => {
    if (unread === 0) return { done: true, value: undefined };
    const value = await more(unread);
    unread -= value.length;
    return { done: false, value };
  };
  const content = { [Symbol.asyncIterator]: () => ({ next }) };
  return holes === undefined ? content : fillHoles(content, holes);
}

/**
 * The regular files of a tar or tar.gz that has each of them once, as published ones have, in the archive's order.
 *
 * @throws RethinkError (`data`) as `readMembers`, and for hard links and duplicates.
 */
export async function* readTar(path: string, options: ReadBytesOptions): AsyncGenerator<TarEntry> {
  const seen = new Set<string>();
  for await (const entry of readMembers(path, options)) {
    const { name, kind } = entry;
    if (kind === 'folder') continue;
    if (kind === 'link') throw refusedEntry(path, name, 'is a hard link, and a file is expected');
    if (seen.has(name)) throw refusedEntry(path, name, 'comes twice');
    seen.add(name);
    yield entry;
  }
}
/** An entry that is held in memory is a list or an image. */
const MOST_ENTRY = 256 * 2 ** 20;

/** How far into an archive its first name is looked for: headers that only describe it come before. */
const MOST_BEFORE_FIRST = 1 << 16;

/** The name of an archive's first entry, tar or tar.gz, a folder's with a slash; `undefined` where it isn't found at once. */
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
  try {
    const gzip = start[0] === 0x1f && start[1] === 0x8b;
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 26 };
    const blocks = gzip ? gunzipSync(start, options) : start;
    const parser = parseTar(path);
    let at = 0;
    for (let step = parser.next(); !step.done; ) {
      if ('member' in step.value) {
        const { name, kind } = step.value.member;
        return kind === 'folder' ? `${name}/` : name;
      }
      const n = 'take' in step.value ? step.value.take : step.value.pass;
      step = parser.next(blocks.subarray(at, at + n));
      at += n;
    }
  } catch {
    // No archive: its reader says what is wrong.
  }
  return undefined;
}

/** A whole entry in memory. @throws RethinkError (`data`) where it is larger than `limit` bytes. */
export async function entryBytes(
  { name, size, chunks }: Pick<TarEntry, 'name' | 'size' | 'chunks'>,
  limit = MOST_ENTRY,
): Promise<Buffer> {
  if (size > limit) {
    throw new RethinkError('data', `${name} has more than ${grouped(limit)} bytes.`);
  }
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
