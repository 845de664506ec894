import { nameOfBytes } from '../../disk/names.js';
import { refusedEntry } from './entry-name.js';
import { BLOCK, number } from './tar-fields.js';

/** A file with holes, which are zeros: its size, and the parts that are stored, one behind the other. */
export interface Holes {
  size: number;
  parts: readonly { offset: number; length: number }[];
}

/** What PAX's attributes say of a file with holes. */
export interface PaxSparse {
  /** Of the file; the header's is that of a placeholder. */
  name?: string;
  size?: number;
  /** Offsets and lengths in turn. */
  map: number[];
  /** The map is at the beginning of the content instead. */
  inContent?: boolean;
}

/** One of the attributes, its name without `GNU.sparse.`: of versions 0.0, 0.1 and 1.0. */
export function addSparse(sparse: PaxSparse, key: string, value: Buffer): void {
  const text = value.toString('latin1');
  if (key === 'name') sparse.name = nameOfBytes(value);
  if (key === 'size' || key === 'realsize') sparse.size = Number(text);
  if (key === 'offset' || key === 'numbytes') sparse.map.push(Number(text));
  if (key === 'map') sparse.map = text.split(',').map(Number);
  if (key === 'major') sparse.inContent = text === '1';
}

/** Parts of a file of a terabyte, every tenth megabyte a hole. */
const MOST_PARTS = 100_000;

/** A map that is yet to be read to its end. */
interface Map {
  size: number;
  numbers: number[];
  /** Where the rest of it is: in blocks of GNU's own form, or at the beginning of the content. */
  rest?: 'blocks' | 'content' | undefined;
}

/** The map in a header of GNU's own form. */
export function oldMap(header: Buffer, where: string, name: string): Map {
  const map: Map = { size: number(header, 483, 495), numbers: [] };
  addPairs(map, header, 386, 4);
  if (header[482] !== 0) map.rest = 'blocks';
  return checkedSize(map, where, name);
}

/** The map that attributes give, or promise. */
export function paxMap({ size, map, inContent }: PaxSparse, where: string, name: string): Map {
  const rest = inContent ? 'content' : undefined;
  return checkedSize({ size: size ?? Number.NaN, numbers: map, rest }, where, name);
}

/**
 * Reads the rest of a map, and says where the parts belong.
 *
 * @param stored Bytes of content, in which the map may lie.
 * @returns The bytes that were read.
 * @throws RethinkError (`data`) where the map is damaged.
 */
export function* readMap(
  { size, numbers, rest }: Map,
  stored: number,
  where: string,
  name: string,
): Generator<{ take: number }, { holes: Holes; bytes: number }, Buffer> {
  let bytes = 0;
  const take = function* (): Generator<{ take: number }, Buffer, Buffer> {
    const block = yield { take: BLOCK };
    if (block.length < BLOCK || numbers.length > 2 * MOST_PARTS) throw damagedMap(where, name);
    bytes += BLOCK;
    return block;
  };
  while (rest === 'blocks') {
    const block = yield* take();
    addPairs({ numbers }, block, 0, 21);
    if (block[504] === 0) rest = undefined;
  }
  if (rest === 'content') {
    // Decimal numbers, a line each: how many parts, then offset and length of each.
    let line = '';
    const lines: number[] = [];
    while (lines.length < 1 + 2 * (lines[0] ?? 0)) {
      if (bytes >= stored || lines[0]! > MOST_PARTS) throw damagedMap(where, name);
      const pieces = `${line}${(yield* take()).toString('latin1')}`.split('\n');
      line = pieces.pop()!;
      lines.push(...pieces.map(Number));
    }
    numbers = lines.slice(1, 1 + 2 * lines[0]!);
    stored -= bytes;
  }
  const parts = Array.from({ length: Math.floor(numbers.length / 2) }, (_, i) => ({
    offset: numbers[2 * i]!,
    length: numbers[2 * i + 1]!,
  }));
  let end = 0;
  for (const { offset, length } of parts) {
    if (!Number.isSafeInteger(offset + length) || offset < end || length < 0)
      throw damagedMap(where, name);
    end = offset + length;
  }
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  if (total !== stored || end > size) throw damagedMap(where, name);
  return { holes: { size, parts: parts.filter(({ length }) => length > 0) }, bytes };
}

function addPairs({ numbers }: Pick<Map, 'numbers'>, block: Buffer, from: number, most: number) {
  for (let i = 0; i < most; i++) {
    const at = from + 24 * i;
    // Places that aren't used are zeros.
    if (block[at] === 0) return;
    numbers.push(number(block, at, at + 12), number(block, at + 12, at + 24));
  }
}

function checkedSize(map: Map, where: string, name: string): Map {
  if (Number.isSafeInteger(map.size) && map.size >= 0) return map;
  throw refusedEntry(where, name, 'has a size that is no number');
}

function damagedMap(where: string, name: string) {
  return refusedEntry(where, name, 'has a damaged map of its holes');
}

/** The whole of a file with holes. @param stored Its parts, one behind the other. */
export function withHoles(stored: Buffer, { size, parts }: Holes): Buffer {
  const whole = Buffer.alloc(size);
  let at = 0;
  for (const { offset, length } of parts) {
    stored.copy(whole, offset, at, at + length);
    at += length;
  }
  return whole;
}

/** The same of content that comes in chunks, a hole in pieces of bounded size. */
export async function* fillHoles(
  chunks: AsyncIterable<Buffer>,
  { size, parts }: Holes,
): AsyncGenerator<Buffer> {
  let at = 0;
  const queue = [...parts, { offset: size, length: 0 }];
  let part = queue.shift()!;
  let left = part.length;
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      yield* zeros(part.offset - at);
      at = Math.max(at, part.offset);
      const piece = chunk.subarray(0, left);
      yield piece;
      at += piece.length;
      left -= piece.length;
      chunk = chunk.subarray(piece.length);
      if (left > 0) continue;
      part = queue.shift()!;
      left = part.length;
    }
  }
  yield* zeros(size - at);
}

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= BLOCK * BLOCK) {
    yield Buffer.alloc(Math.min(left, BLOCK * BLOCK));
  }
}
