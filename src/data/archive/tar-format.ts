import { nameOfBytes } from '../../disk/names.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { refusedEntry, safeEntryName } from './entry-name.js';
import { BLOCK, hasSum, isZero, number, padded, text } from './tar-fields.js';
import { addSparse, type Holes, oldMap, type PaxSparse, paxMap, readMap } from './tar-sparse.js';

/** What one entry of a tar is. */
export interface TarMember {
  /** Without a leading `../`. */
  name: string;
  kind: 'file' | 'folder' | 'link';
  /** Bytes of the file. */
  size: number;
  /** Where its bytes begin in the tar, and how many are there: fewer than its size where it has holes. */
  offset: number;
  stored: number;
  /** Where the bytes that are there belong. */
  holes?: Holes | undefined;
  /** Which of several tars in one file it is of, from 0. */
  part: number;
  /** What a hard link links to. */
  target?: string | undefined;
}

/**
 * What the format asks of who reads the bytes: the next ones (fewer only where there are no more), to pass some by, or to
 * deal with an entry and pass its content by, to the end of its last block.
 */
export type TarStep = { take: number } | { pass: number } | { member: TarMember };

/** A name, or a few attributes. */
const MOST_EXTENSION = 1 << 20;

/**
 * The one definition of a tar, for all that read one: v7, ustar, PAX and GNU's forms, sparse files, and several tars one
 * behind the other, as `cat` makes them.
 *
 * @param where Names the archive in errors.
 * @throws RethinkError (`data`) for damage, names that lead out of it, symbolic links, devices, and an archive that was cut.
 */
export function* parseTar(where: string): Generator<TarStep, void, Buffer> {
  let at = 0;
  let ended = false;
  let part = 0;
  let all: Extension = {};
  let next: Extension = {};
  for (;;) {
    const block = yield { take: BLOCK };
    if (block.length < BLOCK) {
      if (ended && isZero(block)) return;
      throw cutTar(where, at + block.length);
    }
    at += BLOCK;
    if (isZero(block)) {
      ended = true;
      continue;
    }
    const before = { ...all, ...next };
    const header = parseHeader(block, where, before, ended);
    const { name, type } = header;
    if (ended) part++;
    ended = false;
    const read = EXTENSIONS[type];
    if (read !== undefined) {
      if (header.size > MOST_EXTENSION)
        throw refusedEntry(where, name, 'has a name that is too long');
      const content = yield { take: padded(header.size) };
      if (content.length < header.size) throw cutTar(where, at + content.length, name);
      at += padded(header.size);
      const found = read(content.subarray(0, header.size), where, name);
      if (type === 'g') all = { ...all, ...found };
      else next = { ...next, ...found };
      continue;
    }
    next = {};
    const kind = kindOf(header, where);
    // A hard link has no content, whatever its size says: that may be of what it links to.
    let stored = kind === 'link' ? 0 : header.size;
    if (kind === 'label') {
      yield { pass: padded(stored) };
      at += padded(stored);
      continue;
    }
    let holes: Holes | undefined;
    if (type === 'S' || before.sparse !== undefined) {
      const map = type === 'S' ? oldMap(block, where, name) : paxMap(before.sparse!, where, name);
      const mapped = yield* readMap(map, stored, where, name);
      at += mapped.bytes;
      // GNU's own form doesn't count its map into the size.
      if (type !== 'S') stored -= mapped.bytes;
      ({ holes } = mapped);
    }
    const member: TarMember = {
      name: safeEntryName(before.sparse?.name ?? name, where),
      kind,
      size: holes?.size ?? stored,
      offset: at,
      stored,
      holes,
      part,
      target: kind === 'link' ? safeEntryName(header.target, where) : undefined,
    };
    yield { member };
    at += padded(stored);
  }
}

/** What headers before an entry say of it, in place of its own fields. */
interface Extension {
  name?: string | undefined;
  size?: number | undefined;
  target?: string | undefined;
  sparse?: PaxSparse | undefined;
}

/** Types of headers that describe the entry after them, or, `g`, all: PAX's attributes, GNU's long names and targets. */
const EXTENSIONS: Record<string, (content: Buffer, where: string, name: string) => Extension> = {
  x: attributes,
  X: attributes,
  g: attributes,
  L: (content) => ({ name: text(content, 0, content.length) }),
  K: (content) => ({ target: text(content, 0, content.length) }),
};

/** A volume's label is no file, and has no place in any folder. */
const KINDS: Record<string, TarMember['kind'] | 'label'> = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '5': 'folder',
  D: 'folder',
  V: 'label',
};

const REFUSED: Record<string, string> = {
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '6': 'fifo',
  M: 'file that goes on from another volume',
};

interface Header {
  name: string;
  size: number;
  /** A character; that of v7's files, a zero, as `0`. */
  type: string;
  target: string;
}

function kindOf({ type, name }: Header, where: string): TarMember['kind'] | 'label' {
  const kind = KINDS[type];
  if (kind !== undefined) return kind === 'file' && name.endsWith('/') ? 'folder' : kind;
  const what = REFUSED[type] ?? `file of type ${quoted(type)}`;
  throw refusedEntry(where, name, `is a ${what}; only files, folders and hard links are read`);
}

/** @param ended Whether the tar has had its end mark, and another one may begin. */
function parseHeader(header: Buffer, where: string, before: Extension, ended: boolean): Header {
  if (!hasSum(header)) {
    const what = ended
      ? 'something that is no tar follows its end mark'
      : "a header's sum is wrong";
    throw new RethinkError('data', `${where} is not a valid tar archive: ${what}.`, {
      hint: AGAIN,
    });
  }
  const short = text(header, 0, 100);
  // GNU's own form has times where POSIX has the beginning of a long name.
  const posix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? text(header, 345, 500) : '';
  const name = before.name ?? (prefix === '' ? short : `${prefix}/${short}`);
  const code = header[156]!;
  const size = before.size ?? number(header, 124, 136);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw refusedEntry(where, name, 'has a size that is no number');
  }
  const type = code === 0 ? '0' : String.fromCharCode(code);
  return { name, size, type, target: before.target ?? text(header, 157, 257) };
}

/** PAX's attributes, lines `<bytes of this line> key=value\n`. @throws RethinkError (`data`) where they are none. */
function attributes(content: Buffer, where: string, name: string): Extension {
  const found: Extension = {};
  const sparse: PaxSparse = { map: [] };
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(at, space)));
    const equals = content.indexOf(0x3d, space);
    const end = at + length;
    if (
      space < 0 ||
      !Number.isSafeInteger(length) ||
      length <= space - at ||
      end > content.length
    ) {
      throw refusedEntry(where, name, 'has attributes that are damaged');
    }
    if (equals >= 0 && equals < end) {
      const key = content.toString('latin1', space + 1, equals);
      const value = content.subarray(equals + 1, end - 1);
      // An empty value takes one of all entries back.
      const given = value.length > 0;
      if (key === 'path') found.name = given ? nameOfBytes(value) : undefined;
      if (key === 'linkpath') found.target = given ? nameOfBytes(value) : undefined;
      if (key === 'size') found.size = given ? Number(value.toString('latin1')) : undefined;
      if (key.startsWith('GNU.sparse.') && given) {
        addSparse(sparse, key.slice('GNU.sparse.'.length), value);
        found.sparse = sparse;
      }
    }
    at = end;
  }
  return found;
}

/** What to do about a damaged archive, whoever made it. */
export const AGAIN = 'Make it, copy it or get it again; a tar or tar.gz is expected.';

/** An archive that ends where it goes on. @param bytes That there are. @param more Said of them. */
export function cutTar(where: string, bytes: number, inside?: string, more = ''): RethinkError {
  const place = inside === undefined ? "without tar's end mark" : `inside ${quoted(inside)}`;
  return new RethinkError(
    'data',
    `${where} is truncated or not a tar archive: it ends after ${grouped(bytes)} bytes${more} ${place}.`,
    { hint: AGAIN },
  );
}
