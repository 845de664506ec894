import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { diskError, errorCode } from '../../disk/errors.js';
import { fileSize, type OpenFile, withOpenFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';
import { isZero } from './tar-fields.js';

export interface ReadBytesOptions {
  signal?: AbortSignal | undefined;
  /** More than this after gunzip is refused: it bounds what a gzip bomb can cost. */
  maxBytes: number;
  /** How far the reader has come, for error messages: `12,345 of 60,000 records read`. */
  progress?: (() => string) | undefined;
  /** Called with bytes read from the disk, before gunzip. */
  onBytes?: ((done: number, total: number) => void) | undefined;
}

/**
 * The bytes of a file, gunzipped where it starts like gzip, in chunks.
 *
 * @throws RethinkError (`data`) naming the file where it is missing, truncated, damaged, followed by garbage or larger
 * than `maxBytes`.
 */
export async function* readBytes(path: string, options: ReadBytesOptions): AsyncGenerator<Buffer> {
  const gzip = isGzipped(path);
  const size = fileSize(path) ?? 0;
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const gunzip = gzip ? createGunzip({ chunkSize: 1 << 18 }) : undefined;
  // Without a callback a failure on either side would be an unhandled error; the loop below sees it as well.
  if (gunzip) pipeline(file, gunzip, () => {});
  let unpacked = 0;
  const soFar = () => {
    const records = options.progress?.();
    return `after ${grouped(unpacked)} ${gzip ? 'unpacked ' : ''}bytes${records ? ` (${records})` : ''}`;
  };
  try {
    for await (const chunk of (gunzip ?? file) as AsyncIterable<Buffer>) {
      throwIfInterrupted(options.signal, `reading ${path}`);
      unpacked += chunk.length;
      if (unpacked > options.maxBytes) {
        throw new RethinkError(
          'data',
          `${path} is too large: it holds more than ${grouped(options.maxBytes)} bytes${gzip ? ' once unpacked' : ''}, the most that is expected.`,
        );
      }
      options.onBytes?.(file.bytesRead, size);
      yield chunk;
    }
    // Node's gunzip ends at what follows the stream and is no other one; zeros fill up a tape's last block.
    if (gunzip && !endsInZeros(path, gunzip.bytesWritten)) {
      throw new RethinkError(
        'data',
        `${path} has ${grouped(size - gunzip.bytesWritten)} bytes of garbage after its gzip stream.`,
        { hint },
      );
    }
  } catch (error) {
    throw streamError(error, path, soFar());
  } finally {
    gunzip?.destroy();
    file.destroy();
  }
}

/** Whether nothing but zeros is left of a file from here on. */
function endsInZeros(path: string, from: number): boolean {
  const check = ({ size, readInto }: OpenFile) => {
    const piece = Buffer.alloc(1 << 16);
    for (let at = from; at < size; at += piece.length) {
      const left = piece.subarray(0, Math.min(piece.length, size - at));
      readInto(left, at);
      if (!isZero(left)) return false;
    }
    return true;
  };
  return withOpenFile(path, check, 'input');
}

/** @throws RethinkError (`data`) where it can't be read. */
export function isGzipped(path: string): boolean {
  const starts = ({ size, readInto }: OpenFile) => {
    const magic = Buffer.alloc(Math.min(2, size));
    readInto(magic, 0);
    return magic[0] === 0x1f && magic[1] === 0x8b;
  };
  return withOpenFile(path, starts, 'input');
}

/** Whoever made the file. */
const hint = 'Make it, copy it or get it again.';

function streamError(error: unknown, path: string, soFar: string): RethinkError {
  const code = errorCode(error);
  if (code === 'Z_BUF_ERROR') {
    return new RethinkError('data', `${path} is truncated: its gzip stream ends ${soFar}.`, {
      hint,
      cause: error,
    });
  }
  if (code.startsWith('Z_')) {
    return new RethinkError('data', `${path} is damaged: gzip fails ${soFar}.`, {
      hint,
      cause: error,
    });
  }
  return diskError(error, 'read', path, 'input');
}

/** Cuts a stream of chunks into pieces of any size. */
export class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** The next `n` bytes, valid until the next call; fewer only where the stream ends. */
  async take(n: number): Promise<Buffer> {
    if (this.rest.length < n) await this.fill(n);
    const piece = this.rest.subarray(0, n);
    this.rest = this.rest.subarray(piece.length);
    return piece;
  }

  /** From 1 to `most` bytes, as they come; none only where the stream has ended. */
  async some(most: number): Promise<Buffer> {
    if (this.rest.length === 0) await this.fill(1);
    const piece = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(piece.length);
    return piece;
  }

  /** Ends the source early, so that it closes its file. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async fill(n: number): Promise<void> {
    const parts = this.rest.length === 0 ? [] : [this.rest];
    let length = this.rest.length;
    while (length < n) {
      const next = await this.chunks.next();
      if (next.done) break;
      parts.push(next.value);
      length += next.value.length;
    }
    this.rest = parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
  }
}
