import { createHash, type Hash } from 'node:crypto';
import { FIRST_LINE, type Line, type Place, visitLinesOf } from './lines.js';
import { type OpenFile, withOpenFile } from './reading.js';

/**
 * The lines of a file that another process appends to, cuts or replaces: each visit reads what has come since the last one.
 * A last line that isn't whole yet is left for later.
 */
export class GrowingLines {
  private place: Place = FIRST_LINE;
  private seen = new Beginning();

  constructor(private readonly path: string) {}

  /**
   * @param anew Called before the first line where the file no longer begins with what was read before: all of it comes
   *   again, and what was made of it is void. So it is after a visit that threw.
   * @throws RethinkError as `visitLines`, and what `visit` throws.
   */
  visit(visit: (line: Line) => void, anew: () => void): void {
    try {
      withOpenFile(this.path, (file) => this.visitFile(file, visit, anew));
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  /** The next visit begins with the first line, and `anew`. */
  forget(): void {
    this.place = FIRST_LINE;
    this.seen = new Beginning();
  }

  private visitFile(file: OpenFile, visit: (line: Line) => void, anew: () => void): void {
    if (!this.seen.isOf(file)) this.forget();
    if (this.place === FIRST_LINE) anew();
    const take = (line: Line) => {
      visit(line);
      return true;
    };
    let at = this.place.start;
    const onBytes = (bytes: Buffer) => {
      this.seen.add(bytes, at);
      at += bytes.byteLength;
    };
    this.place = visitLinesOf(file, this.place, take, { onBytes });
  }
}

/** Bytes before the end of what was read that are looked at again: beyond them, a row differs from the one before its cut. */
const LOOKED_AT = 1 << 18;

/** The end of what was read of a file, as digests from two places on: the older one is given up for the younger. */
class Beginning {
  private end = 0;
  private digests: { from: number; hash: Hash }[] = [{ from: 0, hash: createHash('sha256') }];

  /** @param at Where in the file they stand; what was added before is passed over. */
  add(bytes: Buffer, at: number): void {
    const fresh = bytes.subarray(Math.max(0, this.end - at));
    if (fresh.byteLength === 0) return;
    this.end += fresh.byteLength;
    for (const { hash } of this.digests) hash.update(fresh);
    if (this.end - this.digests.at(-1)!.from < LOOKED_AT) return;
    this.digests = [this.digests.at(-1)!, { from: this.end, hash: createHash('sha256') }];
  }

  isOf(file: OpenFile): boolean {
    const [{ from, hash } = { from: 0, hash: createHash('sha256') }] = this.digests;
    if (file.size < this.end) return false;
    const bytes = Buffer.alloc(this.end - from);
    file.readInto(bytes, from);
    return createHash('sha256').update(bytes).digest().equals(hash.copy().digest());
  }
}
