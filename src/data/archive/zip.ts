import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { constants, inflateRaw, inflateRawSync } from 'node:zlib';
import yauzl, { type Entry, RandomAccessReader } from 'yauzl';
import { nameOfBytes } from '../../disk/names.js';
import { messageOf, RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { refusedEntry, safeEntryName } from './entry-name.js';
import { Unpacked } from './unpacked.js';
import { Window } from './window.js';

/** Where a file lies in a zip: its local header, and the bytes of its content there. */
export interface ZipPlace {
  offset: number;
  bytes: number;
}

/** The table of names is read in pieces of this size. */
const TABLE = 1 << 18;

/** How a file's content is written: as it is, or deflated. */
const METHODS = [0, 8];

const UNIX = 3;
const FILE_TYPE = 0o170000;
const SPECIAL: [type: number, name: string][] = [
  [0o120000, 'symlink'],
  [0o020000, 'character-device'],
  [0o060000, 'block-device'],
  [0o010000, 'fifo'],
];

/**
 * The files of a zip as unpacking it would leave them; only its table is read.
 *
 * @throws RethinkError (`data`) for damage, names that lead out of it, links, encryption, and ways to compress that aren't read.
 */
export async function unpackedZip(
  path: string,
  watching: Watching = {},
): Promise<Unpacked<ZipPlace>> {
  const unpacked = new Unpacked<ZipPlace>(path);
  const reader = new Reader(path);
  try {
    const options = { lazyEntries: true, decodeStrings: false, autoClose: false };
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, reader.file.size, options);
    let done = 0;
    const amount = () => ({ done, total: zip.entryCount, unit: 'files' as const });
    const turn = takingTurns(watching, `reading ${path}`, amount);
    for await (const entry of zip.eachEntry()) {
      add(unpacked, entry, path);
      done++;
      await turn();
    }
    return unpacked;
  } catch (error) {
    if (error instanceof RethinkError) throw error;
    throw new RethinkError('data', `${path} is not a valid zip: ${messageOf(error)}.`, {
      hint: 'Make it, copy it or get it again.',
      cause: error,
    });
  } finally {
    reader.file.close();
  }
}

const UTF8_NAMES = 0x800;
/** Info-ZIP's field for a name in UTF-8, beside one in any other encoding. */
const UNICODE_PATH = 0x7075;

/**
 * What unpacking calls an entry: by its bytes where they are UTF-8 or of a system of names in bytes, else as its field of
 * UTF-8 says, or in DOS' code page 437. Some on Windows have backslashes.
 */
function givenName(entry: Entry): string {
  const { generalPurposeBitFlag: flags, fileNameRaw, extraFields, versionMadeBy } = entry;
  const isUnix = versionMadeBy >>> 8 === UNIX;
  const plain = (flags & UTF8_NAMES) !== 0 || isUtf8(fileNameRaw) || isUnix;
  const name =
    plain && !extraFields.some(({ id }) => id === UNICODE_PATH)
      ? nameOfBytes(fileNameRaw)
      : yauzl.getFileNameLowLevel(flags, fileNameRaw, extraFields, true);
  return name.replaceAll('\\', '/');
}

function add(unpacked: Unpacked<ZipPlace>, entry: Entry, path: string): void {
  const given = givenName(entry);
  const name = safeEntryName(given, path);
  const kind = given.endsWith('/') ? 'folder' : 'file';
  const mode = entry.versionMadeBy >>> 8 === UNIX ? entry.externalFileAttributes >>> 16 : 0;
  const special = SPECIAL.find(([type]) => type === (mode & FILE_TYPE));
  if (special !== undefined) {
    throw refusedEntry(path, name, `is a ${special[1]}; only files and folders are read`);
  }
  if (kind === 'file' && entry.isEncrypted()) throw refusedEntry(path, name, 'is encrypted');
  if (kind === 'file' && !METHODS.includes(entry.compressionMethod)) {
    const how = `is compressed by method ${entry.compressionMethod}; stored and deflated ones are read`;
    throw refusedEntry(path, name, how);
  }
  const place = { offset: entry.relativeOffsetOfLocalHeader, bytes: entry.compressedSize };
  unpacked.add({ name, kind, size: entry.uncompressedSize }, place);
}

/** What yauzl reads by: the table entry by entry, which would take a call of the system for each. */
class Reader extends RandomAccessReader {
  readonly file: Window;

  constructor(path: string) {
    super();
    this.file = new Window(path, TABLE);
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, read?: number) => void,
  ): void {
    try {
      this.file.at(position, length).copy(buffer, offset);
    } catch (error) {
      callback(error as Error);
      return;
    }
    callback(null, length);
  }
}

const LOCAL = 30;
/** Bytes of a local header that are read with the content: its name is rarely longer. */
export const LOCAL_HEADER = LOCAL + 512;

/** What a local header says. */
export interface LocalHeader {
  name: string;
  method: number;
  /** Bytes of it: the content follows. */
  length: number;
}

/** @returns `undefined` for what is no local header. @throws RangeError where the bytes don't hold all of it. */
export function localHeader(bytes: Buffer): LocalHeader | undefined {
  if (bytes.length < LOCAL || bytes.readUInt32LE(0) !== 0x04034b50) return undefined;
  const nameLength = bytes.readUInt16LE(26);
  return {
    name: nameOfBytes(bytes.subarray(LOCAL, LOCAL + nameLength)).replaceAll('\\', '/'),
    method: bytes.readUInt16LE(8),
    length: LOCAL + nameLength + bytes.readUInt16LE(28),
  };
}

const inflate = promisify(inflateRaw);

/** A file's content. @throws Error of zlib for damage and more than `most` bytes. */
export async function zipContent(
  content: Buffer,
  { method }: LocalHeader,
  most: number,
): Promise<Buffer> {
  return method === 0 ? content : inflate(content, { maxOutputLength: most });
}

/** The beginning of a file's content, of which the first `content` bytes are given. */
export function zipBeginning(content: Buffer, { method }: LocalHeader): Buffer {
  if (method === 0) return content;
  return inflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
}
