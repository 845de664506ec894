import { RethinkError } from '../errors.js';
import { type OpenFile, withOpenFile } from './reading.js';

export interface Line {
  /** Without the line feed. */
  text: string;
  /** From 1. */
  number: number;
  /** Bytes of the file before this line. */
  start: number;
}

/** Where a line begins. */
export type Place = Omit<Line, 'text'>;

/** Of the first line. */
export const FIRST_LINE: Place = { number: 1, start: 0 };

const BLOCK = 1 << 16;
const LONGEST_LINE = 1 << 20;

/**
 * Visits the complete lines of a file, a block at a time, until `visit` returns false.
 *
 * A last line without a line feed is one that a crash tore: it is not visited.
 *
 * @param onTorn Told that line, where the visit came to the end of the file and there is one.
 * @returns bytes of the file that hold visited lines; what lies beyond is torn or wasn't wanted.
 * @throws RethinkError (`data`) naming the file where a line has more than a MiB.
 */
export function visitLines(
  path: string,
  visit: (line: Line) => boolean,
  onTorn?: (text: string) => void,
): number {
  return withOpenFile(path, (file) => visitLinesOf(file, FIRST_LINE, visit, { onTorn }).start);
}

/**
 * The same of a file that is open, from the beginning of one of its lines on.
 *
 * @param hears.onBytes Given all bytes that are read, in their order.
 * @returns Where the first line begins that was not visited.
 */
export function visitLinesOf(
  file: OpenFile,
  from: Place,
  visit: (line: Line) => boolean,
  hears: {
    onTorn?: ((text: string) => void) | undefined;
    onBytes?: ((bytes: Buffer) => void) | undefined;
  } = {},
): Place {
  let { start, number } = from;
  let rest: Buffer = Buffer.alloc(0);
  for (let position = start; position < file.size; position += BLOCK) {
    const block = Buffer.alloc(Math.min(BLOCK, file.size - position));
    file.readInto(block, position);
    hears.onBytes?.(block);
    rest = Buffer.concat([rest, block]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (!visit({ text: rest.toString('utf8', 0, end), number, start })) return { start, number };
      rest = rest.subarray(end + 1);
      start += end + 1;
      number++;
    }
    if (rest.byteLength > LONGEST_LINE) {
      throw new RethinkError('data', `${file.path}:${number} is damaged: the line is too long.`);
    }
  }
  if (rest.byteLength > 0) hears.onTorn?.(rest.toString('utf8'));
  return { start, number };
}

/**
 * The last complete line of a file, read from its end; `null` where there is none.
 *
 * @throws RethinkError (`data`) where it has more than a MiB.
 */
export function lastLine(path: string): string | null {
  return withOpenFile(path, (file) => {
    let tail: Buffer = Buffer.alloc(0);
    for (let position = file.size; position > 0; ) {
      const length = Math.min(BLOCK, position);
      position -= length;
      const block = Buffer.alloc(length);
      file.readInto(block, position);
      tail = Buffer.concat([block, tail]);
      const end = tail.lastIndexOf(10);
      const before = end > 0 ? tail.lastIndexOf(10, end - 1) : -1;
      const whole = end >= 0 && (before >= 0 || position === 0);
      if (whole) return tail.toString('utf8', before + 1, end);
      if (tail.byteLength > 2 * LONGEST_LINE) {
        throw new RethinkError('data', `${path} is damaged: its last line is too long.`);
      }
    }
    return null;
  });
}
