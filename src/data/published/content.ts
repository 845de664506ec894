import { createHash, type Hash } from 'node:crypto';
import { isInterruption, RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import type { DataSource, ImageRecord, SplitName } from '../types.js';
import { pixelsToPlanes } from './planes.js';
import type { CifarForm, CifarPart, PublishedSpec } from './types.js';

/** The form whose files the authors give digests of, record by record; `undefined` for a data set without one. */
export function binaryForm({ forms }: PublishedSpec): CifarForm | undefined {
  return forms.find((form) => form.layout === 'cifar');
}

/**
 * A copy in any form as the official data set, if it is: its records, written as in the binary version, have the digests
 * of the authors' files. Files that come in another order, as in Hugging Face's copy, are put into theirs.
 *
 * @returns `undefined` where the digests are others, or the copy can't be read: its reader says why when it is used.
 */
export async function asOfficial(
  spec: PublishedSpec,
  source: DataSource,
  watching: Watching,
): Promise<DataSource | undefined> {
  const form = binaryForm(spec);
  if (form === undefined) return undefined;
  const order = async (split: SplitName) =>
    officialOrder(spec, form, source, split, watching).catch((error: unknown) => {
      if (!(error instanceof RethinkError) || isInterruption(error)) throw error;
      return undefined;
    });
  // The smaller half first: a copy that was encoded anew is known for it after a sixth of the time.
  const test = await order('test');
  const train = test && (await order('train'));
  if (train === undefined) return undefined;
  const places: Record<SplitName, Place[]> = { train, test: test! };
  // Parts of it would be in the copy's order.
  const { part, ...whole } = source;
  return {
    ...whole,
    info: { ...source.info, origin: 'official' },
    read: async function* (split, signal) {
      const size = partsOf(form, split)[0]!.records;
      for await (const record of source.read(split, signal)) {
        const { from, to } = places[split][Math.floor(record.index / size)]!;
        yield { ...record, index: to + record.index - from };
      }
    },
  };
}

/** A file's records begin at `from` in the copy, and at `to` in the official order. */
interface Place {
  from: number;
  to: number;
}

/** Where the records of each of the split's files belong, in the order of the copy; `undefined` where one is no such file. */
async function officialOrder(
  spec: PublishedSpec,
  form: CifarForm,
  source: DataSource,
  split: SplitName,
  watching: Watching,
): Promise<Place[] | undefined> {
  const parts = partsOf(form, split);
  const total = source.info.counts[split];
  // Files of one split are of one length.
  const size = parts[0]!.records;
  if (total !== size * parts.length) return undefined;
  const write = binaryRecord(spec, form);
  const blocks = parts.map((): { hash: Hash; next: number } => ({
    hash: createHash('md5'),
    next: 0,
  }));
  const places = new Map<number, Place>();
  let done = 0;
  const what = `comparing ${spec.name} ${split} with its authors’ digests`;
  const amount = () => ({ done, total, unit: 'images' as const });
  const turn = takingTurns(watching, what, amount);
  for await (const record of source.read(split, watching.signal)) {
    const at = Math.floor(record.index / size);
    const block = blocks[at];
    if (block === undefined || record.index % size !== block.next) return undefined;
    block.hash.update(write(record));
    block.next++;
    done++;
    await turn();
    if (block.next < size) continue;
    const digest = block.hash.digest('hex');
    const to = parts.findIndex(({ md5 }) => md5 === digest);
    if (to === -1) return undefined;
    places.set(at, { from: at * size, to: to * size });
  }
  const targets = new Set([...places.values()].map(({ to }) => to));
  if (targets.size !== parts.length) return undefined;
  return parts.map((_, at) => places.get(at)!);
}

/** The files of a split in the official order. */
export function partsOf(form: CifarForm, split: SplitName): CifarPart[] {
  return form.parts.filter((part) => part.split === split);
}

/** Writes a record as the binary version has it, into the same buffer each time. */
export function binaryRecord(
  { height, width, channels }: PublishedSpec,
  { labelBytes, coarse }: Pick<CifarForm, 'labelBytes' | 'coarse'>,
): (record: Pick<ImageRecord, 'label' | 'image'>) => Buffer {
  const bytes = Buffer.alloc(labelBytes + height * width * channels);
  return ({ label, image }) => {
    if (coarse !== undefined) bytes[0] = coarse[label]!;
    bytes[labelBytes - 1] = label;
    pixelsToPlanes(image, channels, bytes.subarray(labelBytes));
    return bytes;
  };
}
