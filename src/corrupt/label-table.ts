import { foreignKind } from '../data/archive/kind.js';
import { elements, type NdArray, valuesOf } from '../data/numpy/ndarray.js';
import { fieldsInNpy, NPY_MAGIC, parseNpy, pickleInNpy } from '../data/numpy/npy.js';
import { npzArrays } from '../data/numpy/npz.js';
import { unpickle } from '../data/numpy/pickle.js';
import { ArrayObject, type Pickled } from '../data/numpy/pickle-globals.js';
import { OLD_TORCH_MAGIC, parseOldTorch, readTorch } from '../data/numpy/torch.js';
import { readBounded } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { grouped, named } from '../text.js';

/** Of the largest file: names of classes for millions of images. */
export const MOST_BYTES = 256 * 2 ** 20;

/** Bytes of text for each label, with two names as long as a folder's in its row; and of a single row of several. */
const MOST_A_LABEL = 1024;
const MOST_A_ROW = 2 ** 20;

/** Elements of an array for each label, and of the largest one that is looked at in any case. */
const MOST_ELEMENTS = 16;
const MOST_OF_FEW = 2 ** 20;

/** One column of a file: numbers, or what its text says. */
export type Column = readonly unknown[];

/** What a file holds: columns by name, or a single one that has none. */
export interface LabelTable {
  columns: Map<string, Column>;
  /** Whether its cells are text: `3` may then be a number or a name. */
  text: boolean;
}

/** The name of a column that has none. */
export const UNNAMED = '';

/** How files begin, besides archives, that hold no labels or hold them in a way that isn't read: to be named to their owner. */
const FOREIGN: [start: Buffer, is: string][] = [
  [Buffer.from([0xff, 0xfe]), 'UTF-16 text: save it as UTF-8'],
  [Buffer.from([0xfe, 0xff]), 'UTF-16 text: save it as UTF-8'],
  [Buffer.from([0x1f, 0x8b]), 'a gzip file: unpack it'],
  [Buffer.from('MATLAB'), 'a MATLAB file: save the column as .csv'],
  [Buffer.from('\x89PNG', 'latin1'), 'an image'],
  [Buffer.from([0xff, 0xd8, 0xff]), 'an image'],
  [Buffer.from('%PDF'), 'a PDF'],
];

/**
 * Reads a file of labels, in whatever form the field writes them: NumPy's `.npy` and `.npz`, PyTorch's and Python's pickles
 * (as far as they are data), JSON, CSV, and text of one label a line. Its first bytes tell which, not its name.
 *
 * @param count Labels that are expected, and `classes` what they may be called: of text alone this tells a header from a
 *   first label.
 * @throws RethinkError (`data`) where it can't be read, or holds no columns.
 */
export async function readLabelTable(
  path: string,
  count: number,
  classes: readonly string[],
): Promise<LabelTable> {
  const bytes = readBounded(path, MOST_BYTES, 'input');
  const starts = (start: Buffer) => bytes.subarray(0, start.length).equals(start);
  const foreign = FOREIGN.find(([start]) => starts(start));
  if (foreign !== undefined) throw unreadable(path, `it is ${foreign[1]}`);
  const archive = foreignKind(bytes);
  if (archive !== undefined) {
    const instead = archive.unpack === '' ? 'save the column as .npy or .csv' : 'unpack it';
    throw unreadable(path, `it is ${archive.name}: ${instead}`);
  }
  // Numbers take many times an array's bytes.
  const most = Math.max(MOST_OF_FEW, MOST_ELEMENTS * count);
  if (starts(NPY_MAGIC)) {
    const pickle = pickleInNpy(bytes, path);
    if (pickle !== undefined) return ofPickled(unpickle(pickle, path), path, most);
    const fields = fieldsInNpy(bytes, path);
    if (fields !== undefined) return ofNamed(fields, path, most);
    return ofArray(parseNpy(bytes, path), path, most);
  }
  if (starts(Buffer.from('PK\x03\x04'))) return ofZip(path, most);
  if (starts(OLD_TORCH_MAGIC)) return ofPickled(parseOldTorch(bytes, path), path, most);
  if (bytes[0] === 0x80) return ofPickled(unpickle(bytes, path), path, most);
  if (bytes.includes(0)) throw unreadable(path, 'it is no text');
  // Parsed text takes many times its bytes.
  if (bytes.length > Math.max(MOST_A_ROW, MOST_A_LABEL * count)) {
    const why = `it has ${grouped(bytes.length)} bytes, far more than ${grouped(count)} labels take`;
    throw unreadable(path, why);
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  return /^\s*[[{]/.test(text) ? ofJson(text, path) : ofText(text, path, count, classes);
}

async function ofZip(path: string, most: number): Promise<LabelTable> {
  const arrays = await npzArrays(path, MOST_BYTES);
  if (arrays === undefined) return ofPickled(await readTorch(path, MOST_BYTES), path, most);
  return ofNamed(arrays, path, most);
}

function ofArray(array: NdArray, path: string, most: number): LabelTable {
  const { shape } = array;
  if (!isLine(shape)) throw unreadable(path, `it holds an array of shape (${shape.join(', ')})`);
  const n = elements(shape);
  if (n > most) throw unreadable(path, `it holds an array of ${grouped(n)} elements`);
  return { columns: new Map([[UNNAMED, valuesOf(array, path)]]), text: false };
}

function ofPickled(value: Pickled, path: string, most: number): LabelTable {
  // An array of a single object is how numpy.save keeps a dictionary.
  if (value instanceof ArrayObject && value.objects !== undefined) {
    const [only, another] = value.objects;
    if (another === undefined && only instanceof Map) return ofPickled(only, path, most);
    return ofPickled(value.objects, path, most);
  }
  if (value instanceof ArrayObject) return ofArray(value, path, most);
  if (Array.isArray(value)) return { columns: new Map([[UNNAMED, value]]), text: false };
  if (value instanceof Map) {
    // A key may be a tuple of tuples, which is no name.
    const named = [...value].filter(([name]) => typeof name !== 'object');
    return ofNamed(new Map(named.map(([name, item]) => [String(name), item])), path, most);
  }
  throw unreadable(path, 'it holds no list or array of labels');
}

/** The lists and arrays of one axis among named things: images may lie beside the labels. */
function ofNamed(
  things: ReadonlyMap<string, Pickled | NdArray>,
  path: string,
  most: number,
): LabelTable {
  const columns = new Map<string, Column>();
  // One array may have many names.
  const known = new Map<NdArray, Column>();
  for (const [name, thing] of things) {
    if (Array.isArray(thing)) columns.set(name, thing);
    else if (isArray(thing) && isLine(thing.shape) && elements(thing.shape) <= most) {
      const column = known.get(thing) ?? valuesOf(thing, path);
      known.set(thing, column);
      columns.set(name, column);
    }
  }
  if (columns.size > 0) return { columns, text: false };
  const names = named([...things.keys()], 20);
  throw unreadable(path, `it holds no list or array of labels: ${names || 'nothing'}`);
}

function isArray(thing: Pickled | NdArray): thing is NdArray {
  const holdsBytes = typeof thing === 'object' && thing !== null && 'dtype' in thing;
  return holdsBytes && 'shape' in thing && !(thing instanceof ArrayObject && thing.objects);
}

/** Axes of length 1 don't count. */
function isLine(shape: readonly number[]): boolean {
  return shape.filter((n) => n !== 1).length <= 1;
}

function ofJson(text: string, path: string): LabelTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RethinkError('data', `${path} is not valid JSON.`, { cause: error });
  }
  const column = (items: unknown[]) =>
    items.map((item) => (Array.isArray(item) && item.length === 1 ? item[0] : item));
  if (Array.isArray(value)) return { columns: new Map([[UNNAMED, column(value)]]), text: false };
  const entries = Object.entries(value as Record<string, unknown>);
  const lists = entries.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  if (lists.length > 0) {
    return { columns: new Map(lists.map(([name, items]) => [name, column(items)])), text: false };
  }
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key))) {
    const numbered = entries.map(([key, item]) => [Number(key), item] as const);
    return { columns: new Map([[UNNAMED, inOrder(numbered, path)]]), text: false };
  }
  throw unreadable(path, 'it is a JSON object whose keys are no numbers of examples', {
    hint: 'Write a list of labels, or an object of labels by number from 0: {"0": 3, "1": 7, …}.',
  });
}

/** Values by the number of their example, each once from 0. */
function inOrder(numbered: readonly (readonly [number, unknown])[], path: string): Column {
  const column = new Array<unknown>(numbered.length);
  const seen = new Uint8Array(numbered.length);
  for (const [number, value] of numbered) {
    if (!(number < seen.length) || seen[number] === 1) {
      const why = number < seen.length ? 'comes twice' : `is among ${grouped(seen.length)}`;
      throw unreadable(path, `example ${number} ${why}`, {
        hint: 'Each number from 0 to one less than the number of labels comes once.',
      });
    }
    seen[number] = 1;
    column[number] = value;
  }
  return column;
}

/** Columns that number the examples: those of pandas, and what people call theirs. */
const NUMBERS = ['', 'index', 'idx', 'id', 'unnamed: 0', '#'];

/** Lines of one label each, or of cells with a header; lines that begin with # before them are comments. */
function ofText(text: string, path: string, count: number, classes: readonly string[]): LabelTable {
  const lines = text.trimEnd().split(/\r\n|\r|\n/);
  while (lines[0]?.trimStart().startsWith('#')) lines.shift();
  const separator = [',', '\t', ';'].find((each) => lines[0]?.includes(each));
  if (separator === undefined) {
    const cells = lines.map((line) => unquoted(line.trim()));
    const [header = '', ...rest] = cells;
    const label = classes.includes(header) || Number.isFinite(Number(header));
    const headed = header.toLowerCase() === 'label' || (rest.length === count && !label);
    const columns = new Map(headed ? [[header, rest]] : [[UNNAMED, cells]]);
    return { columns, text: true };
  }
  const long = lines.length === 1 ? -1 : lines.findIndex((line) => line.length > MOST_A_ROW);
  if (long >= 0)
    throw unreadable(path, `line ${long + 1} has ${grouped(lines[long]!.length)} characters`);
  const rows = lines.map((line) => cellsOf(line, separator));
  // One row of all labels, as NumPy writes an array that it takes for a row.
  if (rows.length === 1) return { columns: new Map([[UNNAMED, rows[0]!]]), text: true };
  const [header, ...body] = rows as [string[], ...string[][]];
  const uneven = body.findIndex((row) => row.length !== header.length);
  if (uneven >= 0) {
    throw unreadable(
      path,
      `line ${uneven + 2} has ${body[uneven]!.length} cells, and the first line ${header.length}`,
    );
  }
  if (header.every((cell) => cell !== '' && Number.isFinite(Number(cell)))) {
    throw unreadable(path, `it has ${header.length} columns and no header`, {
      hint: 'Name the columns in its first line, and one of them in corruption.column.',
    });
  }
  const columnAt = (i: number) => body.map((row) => row[i]!);
  const at = header.findIndex((name) => NUMBERS.includes(name.toLowerCase()));
  const order = (column: string[]) =>
    at < 0
      ? column
      : inOrder(
          column.map((cell, i) => [exampleAt(body[i]![at]!), cell]),
          path,
        );
  const columns = header.flatMap((name, i) =>
    i === at ? [] : [[name, order(columnAt(i))] as [string, Column]],
  );
  if (new Set(columns.map(([name]) => name)).size < columns.length) {
    throw unreadable(path, `two of its columns have one name: ${named(header, 20)}`);
  }
  return { columns: new Map(columns), text: true };
}

/** The number of an example; what is none is past the end of any list. */
function exampleAt(cell: string): number {
  return /^\d+$/.test(cell) ? Number(cell) : Number.POSITIVE_INFINITY;
}

function cellsOf(line: string, separator: string): string[] {
  const cells = line.match(
    separator === '\t'
      ? /("[^"]*"|[^\t]*)(\t|$)/g
      : new RegExp(`("(?:[^"]|"")*"|[^${separator}]*)(${separator}|$)`, 'g'),
  )!;
  const trimmed = cells.map((cell) =>
    unquoted(cell.replace(new RegExp(`${separator}$`), '').trim()),
  );
  // The end of a line without a separator matches once more, with nothing.
  return line.endsWith(separator) ? trimmed : trimmed.slice(0, -1);
}

function unquoted(cell: string): string {
  return cell.replace(/^"(.*)"$/, '$1').replaceAll('""', '"');
}

function unreadable(path: string, why: string, options: { hint?: string } = {}): RethinkError {
  return new RethinkError('data', `No labels can be read from ${path}: ${why}.`, {
    hint: 'Labels are read from .npy, .npz, .pt, .csv, .json, or text of one label a line.',
    ...options,
  });
}
