import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { ByteReader } from '../archive/bytes.js';
import { bytesOf, valuesOf } from '../numpy/ndarray.js';
import { unpickle } from '../numpy/pickle.js';
import { ArrayObject, type Pickled } from '../numpy/pickle-globals.js';
import type { ImageRecord } from '../types.js';
import { planesToPixels } from './planes.js';
import type { CifarForm, CifarPart, CifarPythonForm, PublishedSpec } from './types.js';

/** How the files of one version are read. */
export interface PartReader<F> {
  /** How long a file is: exactly, or at most. */
  bytes(spec: PublishedSpec, form: F, part: CifarPart): { exactly?: number; most: number };
  records(
    spec: PublishedSpec,
    form: F,
    part: CifarPart,
    chunks: AsyncIterable<Buffer>,
    where: string,
  ): AsyncGenerator<ImageRecord>;
}

/** Records of label byte(s) and three 32×32 planes, red, green, blue. */
export const readBinary: PartReader<CifarForm> = {
  bytes: (spec, { labelBytes }, { records }) => {
    const exactly = records * (labelBytes + pixels(spec));
    return { exactly, most: exactly };
  },
  records: async function* (spec, form, part, chunks, where) {
    const { labelBytes } = form;
    const bytes = labelBytes + pixels(spec);
    const first = firstIndex(form, part);
    const reader = new ByteReader(chunks);
    try {
      for (let i = 0; i < part.records; i++) {
        const record = await reader.take(bytes);
        if (record.length < bytes) {
          throw new RethinkError(
            'data',
            `${where} ends after ${grouped(i)} of ${grouped(part.records)} records.`,
          );
        }
        const label = checkLabel(spec, record[labelBytes - 1]!, i, where);
        const image = planesToPixels(record.subarray(labelBytes), spec.channels);
        yield { index: first + i, label, image };
      }
    } finally {
      await reader.close();
    }
  },
};

/** Besides an image's pixels a pickle holds its name, its batch and its labels: no more than this, in bytes. */
const MOST_BESIDES = 512;

/** A dictionary whose `data` is an array [records, 3·32·32] of planes, with a list of labels beside it. */
export const readPickle: PartReader<CifarPythonForm> = {
  // Python 3 writes bytes for Python 2 as text, in up to twice their number.
  bytes: (spec, _, { records }) => ({
    most: records * (2 * pixels(spec) + MOST_BESIDES) + 2 ** 16,
  }),
  records: async function* (spec, form, part, chunks, where) {
    const all: Buffer[] = [];
    for await (const chunk of chunks) all.push(chunk);
    const dictionary = unpickle(Buffer.concat(all), where);
    const planes = dictionary instanceof Map ? dictionary.get('data') : undefined;
    const labels = dictionary instanceof Map ? dictionary.get(form.labels) : undefined;
    const shape = [part.records, pixels(spec)];
    if (!(planes instanceof ArrayObject) || planes.shape.join() !== shape.join()) {
      const holds =
        planes instanceof ArrayObject ? `of shape (${planes.shape.join(', ')})` : 'none';
      throw damaged(where, `an array "data" of shape (${shape.join(', ')})`, holds);
    }
    const { kind, bytes } = planes.dtype;
    if (kind !== 'u' || bytes !== 1) throw damaged(where, 'bytes as pixels', 'other numbers');
    const numbers = labels === undefined ? undefined : labelsOf(labels, where);
    if (numbers?.length !== part.records) {
      const holds = numbers === undefined ? 'none' : grouped(numbers.length);
      throw damaged(where, `${grouped(part.records)} numbers "${form.labels}"`, holds);
    }
    const rows = bytesOf(planes);
    const first = firstIndex(form, part);
    for (let i = 0; i < part.records; i++) {
      const label = checkLabel(spec, numbers[i], i, where);
      const row = rows.subarray(i * pixels(spec), (i + 1) * pixels(spec));
      yield { index: first + i, label, image: planesToPixels(row, spec.channels) };
    }
  },
};

function labelsOf(labels: Pickled, where: string): unknown[] | undefined {
  if (labels instanceof ArrayObject) return valuesOf(labels, where);
  return Array.isArray(labels) ? labels : undefined;
}

function checkLabel(spec: PublishedSpec, label: unknown, i: number, where: string): number {
  const { name, classes } = spec;
  if (Number.isInteger(label) && (label as number) >= 0 && (label as number) < classes.length) {
    return label as number;
  }
  throw new RethinkError(
    'data',
    `${where} is damaged: record ${grouped(i)} has label ${typeof label === 'number' ? label : 'that is no number'}, and ${name} has labels 0 to ${classes.length - 1}.`,
  );
}

function damaged(where: string, expected: string, holds: string): RethinkError {
  return new RethinkError('data', `${where} should hold ${expected}, and holds ${holds}.`);
}

function firstIndex(form: CifarForm | CifarPythonForm, part: CifarPart): number {
  const same = form.parts.filter(({ split }) => split === part.split);
  return same.slice(0, same.indexOf(part)).reduce((sum, { records }) => sum + records, 0);
}

/** Bytes of an image. */
function pixels({ height, width, channels }: PublishedSpec): number {
  return height * width * channels;
}
