import type { ImportResult } from '../../data/import/index.js';
import type { ListedDataset } from '../../data/inspect/list.js';
import { untestedNote } from '../../data/inspect/per-class.js';
import type { ShownDataset } from '../../data/inspect/show.js';
import type { VerifiedDataset } from '../../data/inspect/verify.js';
import type { FetchedFile } from '../../data/published/fetch.js';
import type { PackSummary } from '../../data/shards/index-file.js';
import type { PackResult } from '../../data/shards/pack.js';
import type { DatasetInfo, SplitName } from '../../data/types.js';
import { printable } from '../../errors.js';
import type { ExportedLabels } from '../../run/labels.js';
import { grouped, percent, prose } from '../../text.js';
import { table } from './table.js';

/** The data sets there are, a row for each copy of one. */
export function listReport(datasets: ListedDataset[], width: number): string {
  const head = ['data set', 'train', 'test', 'classes', 'origin', 'where, or how to get it'];
  const rows = [head, ...datasets.flatMap(listRows)];
  return `${table(rows, [4, 5], { width, header: true })}\n${prose(WITHOUT_NETWORK, width)}\n`;
}

const WITHOUT_NETWORK = 'Without a network: rethink-gen data import PATH --as NAME';

function listRows({ name, counts, classes, origin, copies, get }: ListedDataset): string[][] {
  const numbers = [counts?.train, counts?.test, classes].map((n) => (n ? grouped(n) : '–'));
  const [used, ...others] = copies;
  const where = (copy: (typeof copies)[number]) => `${copy.path} (${megabytes(copy.bytes)})`;
  return [
    [name, ...numbers, origin ?? '–', used ? where(used) : get],
    ...others.map((copy) => ['', '', '', '', 'not used', where(copy)]),
  ];
}

/** A line for each official file, and one of the places that had not got it. */
export function fetchReport(files: FetchedFile[]): string {
  const line = ({ path, bytes, present, from, failed }: FetchedFile) => {
    const how = present ? 'was there already, digest right' : `fetched from ${from}, digest right`;
    const before = failed === undefined ? '' : `Tried before: ${failed.join(' ')}\n`;
    return `${path}  ${megabytes(bytes)}  ${how}\n${before}`;
  };
  return files.map(line).join('');
}

/** What an import brought in, and what follows from where it came from. */
export function importReport(result: ImportResult): string {
  const note =
    result.origin === 'imported'
      ? ['Marked as imported: images that were encoded anew get no verdict against the paper.']
      : [];
  const how = result.present ? 'was imported before, nothing to do' : 'imported';
  return told(`${result.name} ${how}: ${summary(result)}, in ${result.path}`, ...note);
}

/** That a data set is whole, and the digests that show it. */
export function verifyReport(result: VerifiedDataset, width: number): string {
  const digests = result.files.map(({ path, algorithm, digest }) => [path, algorithm, digest]);
  const where = result.path === undefined ? '' : ` in ${result.path}`;
  const whole = `${result.name}${where} is as it should be (${result.origin}): ${summary(result)}`;
  const lines = prose(`${told(whole)}${othersLines(result)}`, width);
  return `${lines}${table(digests, [1, 2], { width })}`;
}

/** Files that are no images, or are further images of a sample. */
function othersLines({ others }: Pick<VerifiedDataset, 'others'>): string {
  const more = others.length - MOST_OTHERS;
  return told(
    ...others.slice(0, MOST_OTHERS).map((path) => `  not read: ${path}`),
    ...(more > 0 ? [`  … and ${grouped(more)} more`] : []),
  );
}

/** What was packed, and what could not be. */
export function packReport(result: PackResult): string {
  const { path, shards, bytes, size, bad, present, hash } = result;
  const how = present ? 'was packed before, nothing to do' : 'packed';
  const where = `in ${grouped(shards)} shards (${megabytes(bytes)}) in ${path}`;
  const lines = [
    `${result.name} ${how}: ${summary(result)}, at ${size}×${size}, ${where}`,
    `data hash ${hash}; use it with: data.name=${result.name} data.dir=${path}`,
    ...badLines(bad),
  ];
  const untested = untestedNote(result.classes, result.perClass.test);
  if (untested !== undefined) lines.push(untested);
  return told(...lines);
}

/** Files that are no images, a line each: more of them are another folder. */
const MOST_OTHERS = 1000;

/** Images shown by name at most: the index lists all. */
const SHOWN = 10;

function badLines(bad: PackResult['bad']): string[] {
  if (bad.length === 0) return [];
  const shown = bad.slice(0, SHOWN).map(({ reason }) => `  ${reason}`);
  const more = bad.length - shown.length;
  const images = bad.length === 1 ? '1 image was' : `${grouped(bad.length)} images were`;
  return [
    `${images} left out:`,
    ...shown,
    ...(more > 0 ? [`  and ${grouped(more)} more: see bad in index.json`] : []),
  ];
}

/** That packed images are whole. */
export function packVerifiedReport(result: PackSummary): string {
  const bad = result.bad.length === 0 ? '' : `, ${grouped(result.bad.length)} left out`;
  const lines = told(
    `${result.name} in ${result.path} is as it was packed: ${summary(result)}, at ${result.size}×${result.size}, ${grouped(result.shards)} shards${bad}`,
    `data hash ${result.hash}`,
  );
  return `${lines}${othersLines(result)}`;
}

/** Whose labels were written, and how many of those that are used the corruption has changed. */
export function labelsReport({ path, name, split, count, used, ...n }: ExportedLabels): string {
  const part = used === count ? 'all' : grouped(used);
  const changed = `${grouped(n.changed)} changed (${percent(used === 0 ? null : n.changed / used)})`;
  return told(
    `${path}: ${grouped(count)} labels of ${name} ${split}; of ${part} that are used ${grouped(n.drawn)} were drawn anew, ${changed}`,
  );
}

/** Lines with names of strangers in them. */
function told(...lines: string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** Facts of a data set and its classes, as two tables. */
export function showReport(shown: ShownDataset, width: number): string {
  const { info, perClass } = shown;
  const numbers = (values: number[]) => values.map((value) => value.toFixed(2)).join(', ');
  const facts = [
    ['data set', info.name],
    ['where', shown.path ?? 'generated'],
    ['origin', info.origin],
    ['image', `${info.height}×${info.width}×${info.channels}`],
    ['mean', `${numbers(shown.mean)} (training images, per channel, of 255)`],
    ['deviation', numbers(shown.standardDeviation)],
    ['hash', shown.hash],
    ...packedFacts(shown),
    ...shown.notes.map((note) => ['note', note]),
    ...(shown.png === undefined ? [] : [['picture', shown.png]]),
  ];
  const classes = info.classes.map((label, i) => [
    label,
    grouped(perClass.train[i]!),
    grouped(perClass.test[i]!),
  ]);
  const total = ['all', grouped(info.counts.train), grouped(info.counts.test)];
  return `${table(facts, [1], { width })}\n${table([['class', 'train', 'test'], ...classes, total], [], { width })}`;
}

function packedFacts({ info: { subset, counts, classes }, packed }: ShownDataset): string[][] {
  const facts: string[][] = [];
  if (packed !== undefined) {
    const { source, decoder, shards, bad } = packed;
    facts.push(['packed', `from ${source}, ${grouped(shards)} shards, by ${decoder}`]);
    if (bad > 0) facts.push(['left out', `${grouped(bad)} not decoded: see bad in index.json`]);
  }
  if (subset !== undefined) {
    const pair = (n: Record<SplitName, number>) => `${grouped(n.train)} + ${grouped(n.test)}`;
    const part = `${grouped(classes.length)} of ${grouped(subset.of.classes)} classes`;
    facts.push(['part', `${part}, ${pair(counts)} of ${pair(subset.of)} images`]);
  }
  return facts;
}

/** `50,000 + 10,000 images, 5,000 + 1,000 per class`; where classes differ, each with its counts. */
function summary({
  counts,
  classes,
  perClass,
}: Pick<DatasetInfo, 'counts' | 'classes'> & { perClass: Record<SplitName, number[]> }): string {
  const { train, test } = perClass;
  const all = `${grouped(counts.train)} + ${grouped(counts.test)} images`;
  const pair = (i: number) => `${grouped(train[i]!)} + ${grouped(test[i]!)}`;
  if (new Set(classes.map((_, i) => pair(i))).size === 1) return `${all}, ${pair(0)} per class`;
  return `${all}: ${classes.map((name, i) => `${name} ${pair(i)}`).join(', ')}`;
}

/** A size in bytes as `170.1 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
