import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { diskError } from '../../disk/errors.js';
import { pathOnDisk } from '../../disk/names.js';
import { type KeptOpen, requireRegular } from '../../disk/reading.js';
import { messageOf, RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { type Holes, withHoles } from '../archive/tar-sparse.js';
import { LOCAL_HEADER, localHeader, zipBeginning, zipContent } from '../archive/zip.js';
import { MAX_IMAGE_BYTES, nameOf, type Where } from '../image/decode.js';

/** Where an encoded image lies. */
export interface Location {
  /** Absolute. */
  file: string;
  /** In a zip: of the local header. */
  offset: number;
  /** As many as are stored; `undefined`: the whole file. */
  bytes?: number | undefined;
  /** Of a file in a tar with holes. */
  holes?: Holes | undefined;
  /** Whether the file is a zip. */
  zip?: boolean | undefined;
}

/** The bytes of an encoded image. @throws RethinkError (`data`) naming it where it can't be read. */
export async function readLocation(location: Location, where: Where): Promise<Buffer> {
  const { file, offset, bytes, holes, zip } = location;
  if (bytes === undefined) return loadFile(file);
  checkBytes(Math.max(bytes, holes?.size ?? 0), where);
  return withFile(file, async (handle) => {
    // Shorter where the archive has been cut since: the decoder says so.
    const read = await readAt(handle, offset, zip ? LOCAL_HEADER + bytes : bytes);
    if (holes !== undefined) return withHoles(read, holes);
    if (!zip) return read;
    const header = localHeader(read);
    const damaged = (why: string, cause?: unknown) =>
      new RethinkError('data', `${nameOf(where)} cannot be unpacked: ${why}.`, { cause });
    if (header === undefined) throw damaged('its header is damaged');
    const { length } = header;
    const content =
      length + bytes <= read.length || length <= LOCAL_HEADER
        ? read.subarray(length, length + bytes)
        : await readAt(handle, offset + length, bytes);
    return zipContent(content, header, MAX_IMAGE_BYTES).catch((error: unknown) => {
      throw damaged(messageOf(error), error);
    });
  });
}

/**
 * The first bytes of a file, at most so many: fewer where there are no more, or where they are damaged.
 *
 * @param open Keeps the archive open for the next one.
 */
export function firstBytes(
  { file, offset, bytes, holes, zip }: Location,
  most: number,
  open: KeptOpen,
): Buffer {
  if (bytes === 0) return Buffer.alloc(0);
  // A hole is zeros.
  if (holes !== undefined && holes.parts[0]?.offset !== 0) {
    return Buffer.alloc(Math.min(most, holes.size));
  }
  const { size, readInto } = open.file(file);
  const stored = Math.min(bytes ?? size, holes?.parts[0]?.length ?? Number.POSITIVE_INFINITY);
  // Headers of deflated blocks take up to some hundred bytes.
  const wanted = zip ? LOCAL_HEADER + Math.min(stored, most + 1024) : Math.min(stored, most);
  const read = Buffer.alloc(Math.max(0, Math.min(wanted, size - offset)));
  readInto(read, offset);
  const header = zip ? localHeader(read) : undefined;
  if (header === undefined) return read;
  try {
    const content = read.subarray(header.length, header.length + bytes!);
    return zipBeginning(content, header).subarray(0, most);
  } catch {
    return Buffer.alloc(0);
  }
}

async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    const handle = await open(pathOnDisk(file));
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw diskError(error, 'read', file, 'input');
  }
}

async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** A whole file, if one image can be as large. */
export async function loadFile(path: string): Promise<Buffer> {
  try {
    const found = await stat(pathOnDisk(path));
    requireRegular(found, path);
    checkBytes(found.size, path);
    return await readFile(pathOnDisk(path));
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
}

/** @throws RethinkError (`data`) for more bytes than one image can have. */
export function checkBytes(bytes: number, where: Where): void {
  if (bytes <= MAX_IMAGE_BYTES) return;
  throw new RethinkError(
    'data',
    `${nameOf(where)} has ${grouped(bytes)} bytes, more than one image can have (${grouped(MAX_IMAGE_BYTES)}).`,
  );
}
