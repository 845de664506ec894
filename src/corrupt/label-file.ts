import { extname } from 'node:path';
import { quoted, readText } from '../data/files.js';
import type { DatasetInfo } from '../data/types.js';
import { RethinkError } from '../errors.js';

/** Names of classes for millions of images. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Reads one label for each training example, in the order in which the data set is published: CIFAR-10N's sets, or
 * labels that rules made. JSON holds an array; any other file one label a line, after a header `label` or none. A label
 * is a class's number from 0, or its name.
 *
 * @returns [info.counts.train].
 * @throws RethinkError: `usage` where the data's order is not the published one; `data` where the file can't be read,
 *   has another length, or holds something that is no class (naming the line).
 */
export function readLabelFile(path: string, info: DatasetInfo): Int32Array {
  if (info.origin !== 'official' && info.origin !== 'generated') {
    throw new RethinkError(
      'usage',
      `Labels from ${path} can't be given to ${info.name}: its images are not in the published order (${info.origin}).`,
      { hint: 'Use the official archive: rethink-gen data fetch NAME.' },
    );
  }
  const items = parse(readText(path, MOST_BYTES), path);
  const { train } = info.counts;
  if (items.length !== train) {
    throw new RethinkError(
      'data',
      `${path} has ${items.length} labels, but ${info.name} has ${train} training examples.`,
      { hint: 'It should hold a label for each of them, whatever data.limit says.' },
    );
  }
  const byName = new Map(info.classes.map((name, label) => [name, label]));
  return Int32Array.from(items, (item, i) => {
    const label = typeof item === 'string' ? (byName.get(item) ?? numberOf(item)) : item;
    if (Number.isInteger(label) && label >= 0 && label < info.classes.length) return label;
    throw new RethinkError(
      'data',
      `${path}: label ${i + 1} is ${shown(item)}, which is no class of ${info.name}.`,
      { hint: `A label is a number from 0 to ${info.classes.length - 1}, or a class's name.` },
    );
  });
}

function shown(item: unknown): string {
  if (typeof item === 'string') return quoted(item);
  return typeof item === 'object' && item !== null ? 'no number or name' : String(item);
}

function parse(text: string, path: string): (string | number)[] {
  if (extname(path).toLowerCase() !== '.json') return lines(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RethinkError('data', `${path} is not valid JSON.`, { cause: error });
  }
  if (Array.isArray(value)) return value as (string | number)[];
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
