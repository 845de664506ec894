import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFile, readText } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { entryBytes, readTar } from '../archive/tar.js';
import { readSynsets } from './mat.js';

/** The synset of each validation image, by its file name. */
export type GroundTruth = ReadonlyMap<string, string>;

const DEVKIT = 'ILSVRC2012_devkit_t12';
const TRUTH = 'ILSVRC2012_validation_ground_truth.txt';
const META = 'meta.mat';
/** A line for each of 50,000 images, with boxes in Kaggle's form. */
const MOST_BYTES = 64 * 2 ** 20;

/** The forms in which ground truth is handed about, best first. */
export const TRUTH_FORMS = [
  `${DEVKIT}.tar.gz`,
  `${TRUTH} with ${META}`,
  'LOC_val_solution.csv',
  'val.txt',
];

/**
 * Finds which synset each image of a flat validation set is of.
 *
 * @param synsets In order of name: what the numbers of a `val.txt` count.
 * @returns `undefined` where nothing in the folder says it.
 * @throws RethinkError (`data`) where something does, and is damaged.
 */
export async function readGroundTruth(
  folder: string,
  synsets: readonly string[],
): Promise<GroundTruth | undefined> {
  const archive = join(folder, `${DEVKIT}.tar.gz`);
  if (isFile(archive)) return fromArchive(archive);
  for (const place of ['.', 'data', join(DEVKIT, 'data'), join('devkit', 'data')]) {
    const [truth, meta] = [join(folder, place, TRUTH), join(folder, place, META)];
    if (!isFile(truth)) continue;
    if (!isFile(meta)) {
      throw new RethinkError('data', `${truth} is there, and ${meta} is not.`, {
        hint: `Both are in ${DEVKIT}.tar.gz: the one numbers synsets as the other says.`,
      });
    }
    return numbered(readText(truth, MOST_BYTES), readSynsets(readFileSync(meta), meta), truth);
  }
  const kaggle = join(folder, 'LOC_val_solution.csv');
  if (isFile(kaggle)) return listed(readText(kaggle, MOST_BYTES), synsets, kaggle);
  const list = join(folder, 'val.txt');
  if (isFile(list)) return listed(readText(list, MOST_BYTES), orderOf(folder, synsets), list);
  return undefined;
}

async function fromArchive(path: string): Promise<GroundTruth> {
  let truth: string | undefined;
  let synsets: Map<number, string> | undefined;
  for await (const entry of readTar(path, { maxBytes: 4 * MOST_BYTES })) {
    if (entry.name.endsWith(`data/${TRUTH}`)) truth = (await entryBytes(entry)).toString('utf8');
    if (entry.name.endsWith(`data/${META}`)) {
      synsets = readSynsets(await entryBytes(entry), `${path}: ${entry.name}`);
    }
  }
  if (truth !== undefined && synsets !== undefined) return numbered(truth, synsets, path);
  const lacking = truth === undefined ? TRUTH : META;
  throw new RethinkError('data', `${path} holds no data/${lacking}.`, {
    hint: 'Get the archive from where its authors publish it.',
  });
}

/** A number for each image, in the order of their names. */
function numbered(text: string, synsets: Map<number, string>, where: string): GroundTruth {
  const lines = text.trimEnd().split(/\r?\n/);
  const truth = new Map<string, string>();
  for (const [i, line] of lines.entries()) {
    const synset = synsets.get(Number(line));
    if (line.trim() === '' || synset === undefined) throw badLine(where, i, line);
    truth.set(`ILSVRC2012_val_${String(i + 1).padStart(8, '0')}.JPEG`, synset);
  }
  return truth;
}

/** Lines `<image>[.JPEG] <synset or number>`, or `<image>,<synset> <box> …` below a head. */
function listed(text: string, synsets: readonly string[], where: string): GroundTruth {
  const truth = new Map<string, string>();
  for (const [i, line] of text.trimEnd().split(/\r?\n/).entries()) {
    if (i === 0 && /^ImageId,/i.test(line)) continue;
    const [image, name] = line.trim().split(/[\s,]+/);
    const synset = name !== undefined && /^\d+$/.test(name) ? synsets[Number(name)] : name;
    if (!image || synset === undefined || !/^n\d{8}$/.test(synset)) throw badLine(where, i, line);
    const file = image.split('/').at(-1)!;
    truth.set(/\.jpe?g$/i.test(file) ? file : `${file}.JPEG`, synset);
  }
  return truth;
}

/** Synsets in the order that a list of words gives them, beside a `val.txt`. */
function orderOf(folder: string, synsets: readonly string[]): readonly string[] {
  const path = ['synset_words.txt', 'LOC_synset_mapping.txt', 'synsets.txt']
    .map((file) => join(folder, file))
    .find(isFile);
  if (path === undefined) return synsets;
  return readText(path, MOST_BYTES)
    .trimEnd()
    .split(/\r?\n/)
    .map((line, i) => {
      const name = line.trim().split(/\s/)[0]!;
      if (/^n\d{8}$/.test(name)) return name;
      throw badLine(path, i, line);
    });
}

function badLine(where: string, i: number, line: string): RethinkError {
  return new RethinkError(
    'data',
    `${where}: line ${grouped(i + 1)} is ${quoted(line)}, which names no synset.`,
  );
}
