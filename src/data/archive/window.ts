import { closeSync, readSync } from 'node:fs';
import { diskError } from '../../disk/errors.js';
import { openRegular } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';

/** A page: what the system reads at least. */
const PAGE = 4096;

/** Reads a file here and there, a window at a time. */
export class Window {
  readonly size: number;
  private readonly fd: number;
  private readonly buffer: Buffer;
  private from = 0;
  private length = 0;

  /** @param bytes Of the window: more where a file is read from one end to the other. */
  constructor(
    private readonly path: string,
    bytes = PAGE,
  ) {
    ({ fd: this.fd, size: this.size } = openRegular(path, 'input'));
    this.buffer = Buffer.alloc(bytes);
  }

  /** `n` bytes at a place, valid until the next call. @throws RethinkError (`data`) where the file has fewer. */
  at(offset: number, n: number): Buffer {
    const inside = offset - this.from;
    if (inside >= 0 && inside + n <= this.length) return this.buffer.subarray(inside, inside + n);
    const buffer = n <= this.buffer.length ? this.buffer : Buffer.alloc(n);
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
    if (read >= n) return buffer.subarray(0, n);
    throw new RethinkError(
      'data',
      `${this.path} is truncated: it ends after ${grouped(offset + read)} bytes.`,
      { hint: 'Make it, copy it or get it again.' },
    );
  }

  close(): void {
    closeSync(this.fd);
  }
}
