import { extname } from 'node:path';
import { csvLines } from '../csv.js';
import { npyHeader } from '../data/numpy/npy.js';
import { writeFileAtomic } from '../disk/files.js';
import { RethinkError } from '../errors.js';
import { quoted } from '../text.js';

/** Labels of all examples of a split, in order of source index; every array is [count]. */
export interface LabelTable {
  count: number;
  classes: readonly string[];
  /** −1, as in `labels`, of an example that the config's part of the source doesn't hold. */
  trueLabels: Int32Array;
  /** As corrupted. */
  labels: Int32Array;
  /** 1 where a label was drawn anew, the same or not; where it differs from the true one; where a run trains on the example. */
  drawn: Uint8Array;
  changed: Uint8Array;
  used: Uint8Array;
}

/** Rows that are put together at a time: of millions of labels no string could hold all. */
const ROWS = 50_000;

/** How labels are written, by the ending of the file's name. */
const FORMS: Record<string, (table: LabelTable) => Uint8Array[]> = { '.csv': csv, '.npy': npy };

/**
 * Refuses a name that doesn't say a form.
 *
 * @throws RethinkError (`usage`).
 */
export function requireLabelForm(path: string): void {
  if (formOf(path) !== undefined) return;
  const forms = Object.keys(FORMS).join(' or ');
  throw new RethinkError('usage', `Labels are written as ${forms}, not as ${quoted(path)}.`, {
    hint: 'NumPy, PyTorch and pandas read both: numpy.load, pandas.read_csv.',
  });
}

/** Writes labels in the form that the file's name says. @throws RethinkError: `usage` for none, `failed` by the disk. */
export function writeLabels(path: string, table: LabelTable): void {
  requireLabelForm(path);
  writeFileAtomic(path, formOf(path)!(table));
}

function formOf(path: string) {
  const ending = extname(path).toLowerCase();
  return Object.hasOwn(FORMS, ending) ? FORMS[ending] : undefined;
}

const COLUMNS = ['index', 'true_label', 'label', 'true_class', 'class', 'drawn', 'changed', 'used'];

/** `index` is the row's number; what isn't known is empty. */
function csv(table: LabelTable): Uint8Array[] {
  const { count, classes, trueLabels, labels, drawn, changed, used } = table;
  const row = (index: number) => {
    const [truth, given] = [trueLabels[index]!, labels[index]!];
    const known = given < 0 ? ['', '', '', ''] : [truth, given, classes[truth], classes[given]];
    return [index, ...known, drawn[index], changed[index], used[index]];
  };
  const parts = [Buffer.from(csvLines([COLUMNS]))];
  for (let first = 0; first < count; first += ROWS) {
    const rows = Array.from({ length: Math.min(ROWS, count - first) }, (_, i) => row(first + i));
    parts.push(Buffer.from(csvLines(rows)));
  }
  return parts;
}

/** Bytes of one example: two whole numbers of 8 bytes, three booleans, and as many bytes that labels stay aligned. */
const RECORD = 24;
const FIELDS =
  "[('true_label', '<i8'), ('label', '<i8'), ('drawn', '|b1'), ('changed', '|b1'), ('used', '|b1'), ('', '|V5')]";

/** A structured array [count]; `a['label']` is int64 and, as its records are aligned, can be PyTorch's without a copy. */
function npy({ count, trueLabels, labels, drawn, changed, used }: LabelTable): Uint8Array[] {
  const records = Buffer.alloc(count * RECORD);
  for (let i = 0, at = 0; i < count; i++, at += RECORD) {
    records.writeBigInt64LE(BigInt(trueLabels[i]!), at);
    records.writeBigInt64LE(BigInt(labels[i]!), at + 8);
    records.set([drawn[i]!, changed[i]!, used[i]!], at + 16);
  }
  return [npyHeader(FIELDS, count), records];
}
