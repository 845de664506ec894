import { RethinkError } from '../errors.js';
import { withOpenFile } from './reading.js';

export interface Line {
  /** Without the line feed. */
  text: string;
  /** From 1. */
  number: number;
  /** Bytes of the file before this line. */
  start: number;
}

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
  return withOpenFile(path, (file) => {
    let start = 0;
    let number = 1;
    let rest: Buffer = Buffer.alloc(0);
    for (let position = 0; position < file.size; position += BLOCK) {
      const block = Buffer.alloc(Math.min(BLOCK, file.size - position));
      file.readInto(block, position);
      rest = Buffer.concat([rest, block]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        if (!visit({ text: rest.toString('utf8', 0, end), number, start })) return start;
        rest = rest.subarray(end + 1);
        start += end + 1;
        number++;
      }
      if (rest.byteLength > LONGEST_LINE) {
        throw new RethinkError('data', `${path}:${number} is damaged: the line is too long.`);
      }
    }
    if (rest.byteLength > 0) onTorn?.(rest.toString('utf8'));
    return start;
  });
}
