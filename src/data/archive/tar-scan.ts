import { closeSync, readSync } from 'node:fs';
import { diskError } from '../../disk/errors.js';
import { fileSize, openRegular } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped, quoted } from '../../text.js';
import { isGzipped } from './bytes.js';
import { refusedEntry, safeEntryName } from './tar-name.js';

/** A regular file of an uncompressed tar, found by its headers alone. */
export interface ScannedEntry {
  /** Without a leading `../`. */
  name: string;
  /** Where its bytes begin in the archive's file. */
  offset: number;
  size: number;
}

/** The part of a file that is a tar: all of it, or an entry of another tar. */
export interface TarRange {
  path: string;
  offset: number;
  end: number;
  /** Names it in errors. */
  where: string;
}

const BLOCK = 512;
/** A page: what the system reads at least. */
const WINDOW = 4096;
/** A name, or a few attributes. */
const MOST_EXTENSION = 1 << 20;

/** A whole file as a range. @throws RethinkError (`data`) where it can't be read, or is gzipped. */
export function wholeTar(path: string): TarRange {
  if (isGzipped(path)) {
    throw new RethinkError('data', `${path} is gzipped: no image in it can be read by itself.`, {
      hint: 'Pack it first: rethink-gen data pack PATH --out DIR --size N',
    });
  }
  return { path, offset: 0, end: fileSize(path) ?? 0, where: path };
}

/**
 * The regular files of a tar with their places, in the archive's order: only headers are read, so a hundred gigabytes
 * take as long as their entries are many.
 *
 * @param onFolder Told of folders, by name: an empty one is seen nowhere else.
 * @throws RethinkError (`data`) for damage, names that lead out of it, links, devices, and an archive that was cut.
 */
export function* scanTar(
  { path, offset, end, where }: TarRange,
  signal?: AbortSignal,
  onFolder?: (name: string) => void,
): Generator<ScannedEntry> {
  const file = new Window(path);
  try {
    let at = offset;
    let next: Extension = {};
    while (at + BLOCK <= end) {
      throwIfInterrupted(signal, `reading ${where}`);
      const header = file.at(at, BLOCK);
      if (header.every((byte) => byte === 0)) return;
      const entry = parseHeader(header, where, next);
      const from = at + BLOCK;
      at = from + Math.ceil(entry.size / BLOCK) * BLOCK;
      if (at > end) throw cut(where, end - offset, entry.name);
      if ('xLK'.includes(entry.type)) {
        next = { ...next, ...extension(file, from, entry, where) };
        continue;
      }
      next = {};
      if (entry.type === '0') {
        yield { name: safeEntryName(entry.name, where), offset: from, size: entry.size };
      } else if (entry.type === '5') {
        onFolder?.(safeEntryName(entry.name, where));
      } else if (entry.type !== 'g') {
        throw refusedEntry(
          where,
          entry.name,
          'is a link or a special file; only files and folders are read',
        );
      }
    }
    throw cut(where, end - offset);
  } finally {
    file.close();
  }
}

/** What a header before an entry says of it, in place of its own fields. */
interface Extension {
  name?: string;
  size?: number;
}

interface HeaderFields {
  name: string;
  size: number;
  /** `0` file, `5` folder, `x` attributes of the next entry, `g` of all, `L` and `K` a long name or link. */
  type: string;
}

function parseHeader(header: Buffer, where: string, before: Extension): HeaderFields {
  const short = text(header, 0, 100);
  const prefix = text(header, 257, 263).startsWith('ustar') ? text(header, 345, 500) : '';
  const name = before.name ?? (prefix === '' ? short : `${prefix}/${short}`);
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
  if (sum !== number(header, 148, 156)) {
    throw new RethinkError(
      'data',
      `${where} is not a valid tar archive: a header's sum is wrong.`,
      {
        hint: 'Get the file again; an uncompressed tar is expected.',
      },
    );
  }
  const code = header[156]!;
  const type = code === 0 || code === 0x37 ? '0' : String.fromCharCode(code);
  const size = before.size ?? number(header, 124, 136);
  if (!Number.isSafeInteger(size) || size < 0) {
    throw refusedEntry(where, name, 'has a size that is no number');
  }
  return { name, type: type === '0' && name.endsWith('/') ? '5' : type, size };
}

/** @throws RethinkError (`data`) where a name or list of attributes is too long to be one. */
function extension(file: Window, from: number, entry: HeaderFields, where: string): Extension {
  if (entry.size > MOST_EXTENSION) {
    throw refusedEntry(where, entry.name, 'has a name that is too long');
  }
  const content = Buffer.from(file.at(from, entry.size));
  if (entry.type === 'K') return {};
  if (entry.type === 'L') return { name: text(content, 0, content.length) };
  const attributes: Extension = {};
  for (let at = 0; at < content.length; ) {
    // `<bytes of this line> key=value\n`
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(at, space)));
    if (space < 0 || !Number.isSafeInteger(length) || length <= space - at) {
      throw refusedEntry(where, entry.name, 'has attributes that are damaged');
    }
    const [key, ...value] = content.toString('utf8', space + 1, at + length - 1).split('=');
    if (key === 'path') attributes.name = value.join('=');
    if (key === 'size') attributes.size = Number(value.join('='));
    at += length;
  }
  return attributes;
}

/** Text up to the first zero. */
function text(bytes: Buffer, from: number, to: number): string {
  const end = bytes.subarray(from, to).indexOf(0);
  return bytes.toString('utf8', from, end < 0 ? to : from + end);
}

/** Octal digits, or, with the first bit set, a big-endian number as GNU writes it; NaN for anything else. */
function number(bytes: Buffer, from: number, to: number): number {
  if ((bytes[from]! & 0x80) === 0) {
    const digits = text(bytes, from, to).trim();
    return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  let value = bytes[from]! & 0x7f;
  for (let i = from + 1; i < to; i++) value = value * 256 + bytes[i]!;
  return value;
}

function cut(where: string, bytes: number, inside?: string): RethinkError {
  const place = inside === undefined ? "without tar's end mark" : `inside ${quoted(inside)}`;
  return new RethinkError(
    'data',
    `${where} is truncated or not a tar archive: it ends after ${grouped(bytes)} bytes ${place}.`,
    { hint: 'Get the file again; an uncompressed tar is expected.' },
  );
}

/** Reads a file here and there, a window at a time. */
class Window {
  readonly size: number;
  private readonly fd: number;
  private readonly buffer = Buffer.alloc(WINDOW);
  private from = 0;
  private length = 0;

  constructor(private readonly path: string) {
    ({ fd: this.fd, size: this.size } = openRegular(path, 'input'));
  }

  /** `n` bytes at a place, valid until the next call. */
  at(offset: number, n: number): Buffer {
    const inside = offset - this.from;
    if (inside >= 0 && inside + n <= this.length) return this.buffer.subarray(inside, inside + n);
    const buffer = n <= WINDOW ? this.buffer : Buffer.alloc(n);
    let read = 0;
    try {
      read = readSync(this.fd, buffer, 0, buffer.length, offset);
    } catch (error) {
      throw diskError(error, 'read', this.path, 'input');
    }
    if (buffer === this.buffer) {
      this.from = offset;
      this.length = read;
    }
    if (read < n) throw cut(this.path, this.size);
    return buffer.subarray(0, n);
  }

  close(): void {
    closeSync(this.fd);
  }
}
