import { extname } from 'node:path';
import type { DatasetInfo } from '../data/types.js';
import { readText } from '../disk/reading.js';
import { RethinkError } from '../errors.js';
import { quoted } from '../text.js';

/** Names of classes for millions of images. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Reads one label for each training example of the source, in the order in which the data set is published: CIFAR-10N's
 * sets, or labels that rules made. Images of the user's own are in order of class and then of file name. JSON holds an
 * array; any other file one label a line, after a header `label` or none. A label is a class's number from 0, or its name.
 *
 * Where `data.subset` takes a part of the classes, these are numbered anew: labels have to be names then, and only those
 * of the chosen images are looked at.
 *
 * @param indices Source indices of the examples that are used.
 * @returns Their labels, [indices.length].
 * @throws RethinkError: `usage` where the data's order is not the published one; `data` where the file can't be read,
 *   has another length, or holds something that is no class (naming the line).
 */
export function readLabelFile(
  path: string,
  info: DatasetInfo,
  indices: ArrayLike<number>,
): Int32Array {
  if (info.origin === 'imported') {
    throw new RethinkError(
      'usage',
      `Labels from ${path} can't be given to ${info.name}: its images are not in the published order (${info.origin}).`,
      { hint: 'Use the official archive: rethink-gen data fetch NAME.' },
    );
  }
  const items = parse(readText(path, MOST_BYTES), path);
  const train = info.subset?.of.train ?? info.counts.train;
  if (items.length !== train) {
    const whole = info.subset === undefined ? info.name : `all of ${info.name}`;
    throw new RethinkError(
      'data',
      `${path} has ${items.length} labels, but ${whole} has ${train} training examples.`,
      { hint: 'It should hold a label for each of them, whatever data.limit and data.subset say.' },
    );
  }
  const labelOf = labelReader(path, info);
  // Of classes that were not chosen the names aren't known here.
  if (info.subset !== undefined) return Int32Array.from(indices, (i) => labelOf(items[i]!, i));
  const all = items.map(labelOf);
  return Int32Array.from(indices, (i) => all[i]!);
}

/** Turns an item of the file into a label. */
function labelReader(path: string, { name, classes, subset }: DatasetInfo) {
  const byName = new Map(classes.map((name, label) => [name, label]));
  const renumbered = subset !== undefined && subset.of.classes !== classes.length;
  const refused = (i: number, item: unknown, why: string, hint: string) =>
    new RethinkError('data', `${path}: label ${i + 1} is ${shown(item)}, ${why}.`, { hint });
  return (item: unknown, i: number): number => {
    const named = typeof item === 'string' ? byName.get(item) : undefined;
    const number = typeof item === 'string' ? numberOf(item) : (item as number);
    const numbered = Number.isInteger(number) && number >= 0;
    // Only a line of text can be both: in JSON a name is in quotes.
    if (named !== undefined && numbered && named !== number && !isJson(path)) {
      const why = `which is the name of class ${named} and may be a number as well`;
      throw refused(i, item, why, 'Write a JSON array: of strings for names, else of numbers.');
    }
    if (named !== undefined) return named;
    if (numbered && renumbered) {
      const why = `and data.subset numbers ${classes.length} of ${subset.of.classes} classes anew`;
      throw refused(i, item, why, 'Write names of classes instead of numbers.');
    }
    if (numbered && number < classes.length) return number;
    const why = `which is no class of ${subset === undefined ? name : 'data.subset'}`;
    const hint = renumbered
      ? 'A label of a chosen image is the name of a chosen class.'
      : `A label is a number from 0 to ${classes.length - 1}, or a class's name.`;
    throw refused(i, item, why, hint);
  };
}

function shown(item: unknown): string {
  if (typeof item === 'string') return quoted(item);
  return typeof item === 'object' && item !== null ? 'no number or name' : String(item);
}

function isJson(path: string): boolean {
  return extname(path).toLowerCase() === '.json';
}

function parse(text: string, path: string): unknown[] {
  if (!isJson(path)) return lines(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RethinkError('data', `${path} is not valid JSON.`, { cause: error });
  }
  if (Array.isArray(value)) return value;
  throw new RethinkError('data', `${path} holds no JSON array of labels.`);
}

function lines(text: string): string[] {
  const all = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^"(.*)"$/, '$1'));
  return all[0]?.toLowerCase() === 'label' ? all.slice(1) : all;
}

/** Digits alone: an empty line is not the class 0. */
function numberOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
