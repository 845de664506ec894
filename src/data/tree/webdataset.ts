import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isInterruption, RethinkError } from '../../errors.js';
import type { Watching } from '../../progress.js';
import { quoted } from '../../text.js';
import { type TarPlace, tarMembers, unpackedTar, wholeTar } from '../archive/tar-scan.js';
import { Window } from '../archive/window.js';
import { FORMATS, formatOfName } from '../image/formats.js';
import type { SplitName } from '../types.js';
import { endingsNote, othersNote, unknownClass } from './faults.js';
import { inTar, isLeftBehind, type TreePlace } from './listing.js';
import type { Location } from './location.js';
import { splitFolder } from './splits.js';
import { checkClasses, putInOrder, type Tree, type TreeImage } from './tree.js';

/** A tar of one split, as WebDataset has them: `train-000017.tar`, or `train/000017.tar`. */
interface Shard {
  /** Relative to the folder. */
  name: string;
  split: SplitName;
  rank: number;
}

/** An image of a shard, and the text of its `.cls`. */
interface Sample {
  path: string;
  className: string;
  location: Location;
}

/** What shards hold, in order. */
interface Samples {
  samples: Sample[];
  /** Paths of files that are neither images nor labels. */
  others: string[];
  /** Paths of further images of samples, `KEY.seg.png`, and their endings, `seg.png`. */
  further: { path: string; ending: string }[];
}

/** A label is a number, or a name. */
const MOST_LABEL = 4096;

/**
 * The samples of a folder of WebDataset's shards, `KEY.jpg` (or another image) with `KEY.cls` beside it, as a tree: by class,
 * then by shard and name. Classes that are numbers are in their order.
 *
 * @returns `undefined` for any other place.
 * @throws RethinkError (`data`) for a sample without a label or image, and where a split is missing.
 */
export async function openShards(
  place: TreePlace,
  watching?: Watching,
): Promise<{ tree: Tree; locate(image: TreeImage): Location } | undefined> {
  if (place.kind !== 'folder') return undefined;
  const { path } = place;
  const shards = findShards(path);
  const [sample] = shards;
  if (sample === undefined || !(await holdsLabels(join(path, sample.name), watching))) {
    return undefined;
  }
  const train = shards.filter(({ split }) => split === 'train');
  const others = shards.filter(({ split }) => split === 'test');
  const first = Math.min(...others.map(({ rank }) => rank));
  const test = others.filter(({ rank }) => rank === first);
  for (const [list, name] of [
    [train, 'train'],
    [test, 'test'],
  ] as const) {
    if (list.length > 0) continue;
    throw new RethinkError('data', `${path} has no shards ${name}*.tar.`, {
      hint: 'Shards are named for their split: train-000.tar, val-000.tar (or test, valid, validation).',
    });
  }
  const samples = {
    train: await readShards(path, train, watching),
    test: await readShards(path, test, watching),
  };
  const classes = classesOf(samples.train.samples);
  checkClasses(classes, new Set(classes), path);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const locations = new Map<string, Location>();
  const images = (split: SplitName) => {
    const list = samples[split].samples.map(({ path: image, className, location }): TreeImage => {
      const label = labels.get(className);
      if (label === undefined) throw unknownClass(image, className, classes, path);
      locations.set(image, location);
      return { path: image, split, className, label, index: 0 };
    });
    putInOrder(list);
    return list;
  };
  const tree = {
    classes,
    images: { train: images('train'), test: images('test') },
    ...unread([samples.train, samples.test]),
  };
  return { tree, locate: (image) => locations.get(image.path)! };
}

/** What lies in the shards and is not read: told, and listed by name. */
function unread(all: readonly Samples[]): Pick<Tree, 'others' | 'notes'> {
  const others = all.flatMap((each) => each.others);
  const further = all.flatMap((each) => each.further);
  const notes = others.length === 0 ? [] : [othersNote(others)];
  if (further.length > 0) {
    const endings = further.map(({ ending }) => ending);
    const one = 'further image of a sample is not read';
    notes.push(endingsNote(endings, one, 'further images of samples are not read'));
  }
  return { others: [...others, ...further.map(({ path }) => path)], notes };
}

const SPLIT_IN_NAME = /(?:^|[-_.])(train|training|test|testing|val|valid|validation)(?=[-_.\d]|$)/i;

function findShards(folder: string): Shard[] {
  const shards: Shard[] = [];
  const look = (below: string, inFolder: ReturnType<typeof splitFolder>) => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const { name } = entry;
      if (isLeftBehind(name)) continue;
      const known = splitFolder(name);
      if (entry.isDirectory() && below === '' && known !== undefined) look(name, known);
      const stem = /^(.*)\.tar(\.gz)?$/i.exec(name)?.[1];
      if (stem === undefined || entry.isDirectory()) continue;
      const split = inFolder ?? splitFolder(SPLIT_IN_NAME.exec(stem)?.[1] ?? '');
      if (split !== undefined)
        shards.push({ name: below === '' ? name : `${below}/${name}`, ...split });
    }
  };
  look('', undefined);
  return shards.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a tar has a label in it; one that can't be read so far has none. */
async function holdsLabels(path: string, watching?: Watching): Promise<boolean> {
  try {
    for await (const { name } of tarMembers(wholeTar(path), watching)) {
      if (name.endsWith('.cls')) return true;
    }
  } catch (error) {
    // What it is instead is told by who reads the folder as a tree.
    if (!(error instanceof RethinkError) || isInterruption(error)) throw error;
  }
  return false;
}

async function readShards(
  folder: string,
  shards: readonly Shard[],
  watching: Watching | undefined,
): Promise<Samples> {
  const all: Samples = { samples: [], others: [], further: [] };
  for (const { name } of shards) {
    const { samples, others, further } = await readShard(folder, name, watching);
    // Not as arguments of a call, of which there may be too many.
    for (const sample of samples) all.samples.push(sample);
    for (const other of others) all.others.push(other);
    for (const one of further) all.further.push(one);
  }
  return all;
}

async function readShard(
  folder: string,
  shard: string,
  watching: Watching | undefined,
): Promise<Samples> {
  const path = join(folder, shard);
  const unpacked = await unpackedTar(wholeTar(path), watching);
  const { files } = unpacked.all ?? unpacked;
  const images = new Map<string, string>();
  const labels = new Map<string, TarPlace>();
  const others: string[] = [];
  const further: Samples['further'] = [];
  for (const [name, place] of files) {
    if (isLeftBehind(name)) continue;
    const [, key = '', ending = ''] = /^((?:.*\/)?[^/.]+)\.(.*)$/.exec(name) ?? [];
    if (ending === 'cls') labels.set(key, place);
    if (ending.endsWith('.cls')) {
      throw new RethinkError(
        'data',
        `${path}: ${quoted(name)} has two dots, and a key ends at the first.`,
      );
    }
    const format = formatOfName(name);
    if (format === undefined) {
      if (ending !== 'cls') others.push(`${shard}/${name}`);
      continue;
    }
    if (ending.includes('.')) {
      further.push({ path: `${shard}/${name}`, ending });
      continue;
    }
    if (images.has(key) || !FORMATS[format].read) {
      const why = images.has(key)
        ? 'is the second image of its sample'
        : `is ${FORMATS[format].label}, which is not read`;
      throw new RethinkError('data', `${path}: ${quoted(name)} ${why}.`);
    }
    images.set(key, name);
  }
  const file = new Window(path);
  try {
    const lost = [...labels.keys()].find((key) => !images.has(key));
    if (lost !== undefined)
      throw new RethinkError('data', `${path}: ${quoted(`${lost}.cls`)} has no image.`);
    const samples = [...images].map(([key, name]) => {
      const label = labels.get(key);
      if (label === undefined)
        throw new RethinkError(
          'data',
          `${path}: ${quoted(name)} has no label, ${quoted(`${key}.cls`)}.`,
        );
      const text = file
        .at(label.offset, Math.min(label.stored, MOST_LABEL))
        .toString('utf8')
        .trim();
      if (text === '') throw new RethinkError('data', `${path}: ${quoted(`${key}.cls`)} is empty.`);
      return { path: `${shard}/${name}`, className: text, location: inTar(path, files.get(name)!) };
    });
    return { samples, others, further };
  } finally {
    file.close();
  }
}

function classesOf(samples: readonly Sample[]): string[] {
  const names = [...new Set(samples.map(({ className }) => className))];
  const numbers = names.every((name) => /^\d+$/.test(name));
  return numbers ? names.sort((a, b) => Number(a) - Number(b)) : names.sort();
}
