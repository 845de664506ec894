import { z } from 'zod';
import { OWN_KEYS, type OwnKey } from './corruption-keys.js';
import { digestOf } from './digests.js';
import { matrixFault } from './matrix.js';
import { expandHome } from './paths.js';
import { andList, KeyError, orList } from './problems.js';
import { fraction, optional } from './values.js';

/** All that is known of a kind of corruption without data; what it does to an example is in `corrupt/kinds.ts`. */
export interface CorruptionRow {
  /** For people: in tables, figures and captions. */
  label: string;
  /** The kind that it is at fraction 1, of the very same draws, where that has a name of its own. */
  ofAll?: string;
  /** A shorter label for legends, and what captions then say that its p is. */
  legend?: { label: string; p: string };
  changes: 'labels' | 'pixels';
  /** Where the key isn't needed it is 1 by default; a kind without it says why it is always 1. */
  fraction: 'needed' | 'optional' | { always: string; hint?: string };
  keys: Partial<Record<OwnKey, 'needed' | 'optional'>>;
  /** Keys of which it needs exactly one. */
  oneOf?: readonly OwnKey[];
  /** There is something to corrupt in the published training half alone. */
  trainingOnly?: true;
  /** The paper's figures that show it; in 1b and 1c its fraction is their p. */
  figures: readonly ('1a' | '1b' | '1c')[];
}

const ROWS = {
  'partial-labels': {
    label: 'partially corrupted labels',
    ofAll: 'random-labels',
    legend: { label: 'labels', p: 'share of labels drawn at random' },
    changes: 'labels',
    fraction: 'needed',
    keys: {},
    figures: ['1b', '1c'],
  },
  'random-labels': {
    label: 'random labels',
    changes: 'labels',
    fraction: {
      always: 'replaces every label',
      hint: 'Use kind: partial-labels for a fraction.',
    },
    keys: {},
    figures: ['1a', '1b', '1c'],
  },
  'flip-labels': {
    label: 'flipped labels',
    changes: 'labels',
    fraction: 'needed',
    keys: {},
    figures: [],
  },
  'asymmetric-flips': {
    label: 'asymmetric flips',
    changes: 'labels',
    fraction: 'needed',
    keys: {},
    figures: [],
  },
  'pair-flips': {
    label: 'pair flips',
    changes: 'labels',
    fraction: 'needed',
    keys: {},
    figures: [],
  },
  'label-file': {
    label: 'labels from a file',
    changes: 'labels',
    fraction: { always: 'gives all labels' },
    keys: { file: 'needed', column: 'optional' },
    trainingOnly: true,
    figures: [],
  },
  'label-file-twin': {
    label: 'twin of labels from a file',
    changes: 'labels',
    fraction: { always: 'has the rates of its file' },
    keys: { file: 'needed', column: 'optional', sha256: 'optional' },
    trainingOnly: true,
    figures: [],
  },
  'transition-matrix': {
    label: 'labels by a transition matrix',
    changes: 'labels',
    fraction: 'optional',
    keys: { matrix: 'optional', file: 'optional', sha256: 'optional' },
    oneOf: ['matrix', 'file'],
    figures: [],
  },
  'instance-dependent': {
    label: 'instance-dependent noise',
    changes: 'labels',
    fraction: 'needed',
    keys: {},
    figures: [],
  },
  'shuffled-pixels': {
    label: 'shuffled pixels',
    changes: 'pixels',
    fraction: 'optional',
    keys: { channels: 'optional' },
    figures: ['1a'],
  },
  'random-pixels': {
    label: 'random pixels',
    changes: 'pixels',
    fraction: 'optional',
    keys: { channels: 'optional' },
    figures: ['1a'],
  },
  gaussian: {
    label: 'Gaussian',
    changes: 'pixels',
    fraction: 'optional',
    keys: { statistics: 'optional' },
    figures: ['1a'],
  },
} as const satisfies Record<string, CorruptionRow>;

export type CorruptionKind = keyof typeof ROWS;
type Changing<What> = {
  [K in CorruptionKind]: (typeof ROWS)[K]['changes'] extends What ? K : never;
}[CorruptionKind];
export type LabelKind = Changing<'labels'>;
export type PixelKind = Changing<'pixels'>;

/** Every kind of corruption, in the order in which they are listed. */
export const CORRUPTIONS: Record<CorruptionKind, CorruptionRow> = ROWS;
export const CORRUPTION_KINDS = Object.keys(ROWS) as CorruptionKind[];

const KEYS = Object.keys(OWN_KEYS) as OwnKey[];

/** One corruption with nothing left open. `fraction` is 1 where the kind takes none. */
export interface CorruptionConfig {
  kind: CorruptionKind;
  fraction: number;
  /** This and `statistics` have their defaults where the kind doesn't take them. */
  channels: 'together' | 'mixed';
  statistics: 'channel' | 'global';
  file?: string;
  column?: string;
  /** T[i][j] = P(label = j | true class = i), as it was written. */
  matrix?: number[][];
  /** Of the file, where that stands for it in what tells experiments apart. */
  sha256?: string;
}

export type LabelCorruption = CorruptionConfig & { kind: LabelKind };
export type PixelCorruption = CorruptionConfig & { kind: PixelKind };

export function changesLabels(corruption: CorruptionConfig): corruption is LabelCorruption {
  return CORRUPTIONS[corruption.kind].changes === 'labels';
}

export function changesPixels(corruption: CorruptionConfig): corruption is PixelCorruption {
  return CORRUPTIONS[corruption.kind].changes === 'pixels';
}

/** Whether it depends on the statistics of all training images. */
export function usesStatistics({ kind }: CorruptionConfig): boolean {
  return CORRUPTIONS[kind].keys.statistics !== undefined;
}

const kindSchema = z.enum(['none', ...CORRUPTION_KINDS]);
const corruptionObject = z.strictObject({
  kind: kindSchema.default('none').describe('What is corrupted, and how.'),
  fraction: optional(
    fraction,
    `Probability that an example is corrupted, each on its own; needed for ${kindsWhere((row) => row.fraction === 'needed')}, else 1.`,
  ),
  channels: optional(OWN_KEYS.channels.value, meaning('channels')),
  statistics: optional(OWN_KEYS.statistics.value, meaning('statistics')),
  file: optional(OWN_KEYS.file.value, meaning('file')),
  column: optional(OWN_KEYS.column.value, meaning('column')),
  matrix: optional(OWN_KEYS.matrix.value, meaning('matrix')),
  sha256: optional(OWN_KEYS.sha256.value, meaning('sha256')),
});
const corruptionItem = z.union([kindSchema, corruptionObject]);

/** The `corruption` section as a person writes it. */
export const corruptionSchema = z
  .union([corruptionItem, z.array(corruptionItem).max(8)])
  .default('none')
  .describe('One corruption or a list, applied in order.');

function kindsWhere(holds: (row: CorruptionRow) => boolean): string {
  return andList(CORRUPTION_KINDS.filter((kind) => holds(CORRUPTIONS[kind])));
}

function meaning(key: OwnKey): string {
  return `${kindsWhere(({ keys }) => key in keys)}: ${OWN_KEYS[key].means}.`;
}

type Given = z.output<typeof corruptionObject>;

/**
 * Fills in the defaults and leaves out what is none.
 *
 * @param from Which half `data.split` divides.
 * @throws KeyError (`usage`) for a key that is missing, or would do nothing.
 */
export function resolveCorruption(
  corruption: z.output<typeof corruptionSchema>,
  from: 'train' | 'test' | undefined,
): CorruptionConfig[] {
  const items = Array.isArray(corruption) ? corruption : [corruption];
  return items.flatMap((item, i) => {
    const { kind, ...given } = typeof item === 'string' ? { kind: item } : item;
    const path = Array.isArray(corruption) ? `corruption.${i}` : 'corruption';
    checkFraction(kind, given.fraction, path);
    for (const key of KEYS) checkKey(kind, key, given[key], path);
    if (kind === 'none') return [];
    checkChoice(kind, given, path);
    checkMatrix(given.matrix, path);
    if (CORRUPTIONS[kind].trainingOnly && from === 'test') {
      throw new KeyError(
        'data.split.from',
        `is test, but ${kind} has labels of training examples.`,
      );
    }
    return [filledIn(kind, { ...given, ...digest(kind, given, path) })];
  });
}

/** Every kind has `channels` and `statistics`, whether it takes them or not: the hashes of configs are made of them. */
export function filledIn(kind: CorruptionKind, given: Omit<Given, 'kind'> = {}): CorruptionConfig {
  const { fraction = 1, channels = 'together', statistics = 'channel', ...others } = given;
  const named = Object.entries(others).filter(([, value]) => value !== undefined);
  return { kind, fraction, channels, statistics, ...Object.fromEntries(named) };
}

function checkFraction(kind: Given['kind'], fraction: number | undefined, path: string): void {
  const refused = (why: string, hint?: string) =>
    new KeyError(`${path}.fraction`, why, hint === undefined ? {} : { hint });
  if (kind === 'none') {
    if (!fraction) return;
    throw refused(`is ${fraction}, but ${path}.kind is none.`);
  }
  const rule = CORRUPTIONS[kind].fraction;
  if (rule === 'needed' && fraction === undefined) {
    throw refused(`is missing: ${kind} needs a number from 0 to 1.`);
  }
  if (typeof rule === 'object' && fraction !== undefined && fraction !== 1) {
    throw refused(`is ${fraction}, but ${kind} ${rule.always}.`, rule.hint);
  }
}

function checkKey(kind: Given['kind'], key: OwnKey, value: unknown, path: string): void {
  const rule = kind === 'none' ? undefined : CORRUPTIONS[kind].keys[key];
  if (rule === 'needed' && value === undefined) {
    throw new KeyError(`${path}.${key}`, `is missing: ${kind} needs it.`);
  }
  if (rule === undefined && value !== undefined) {
    const owners = kindsWhere(({ keys }) => key in keys);
    throw new KeyError(`${path}.${key}`, `is for ${owners}, not ${kind}.`);
  }
}

function checkChoice(kind: CorruptionKind, given: Omit<Given, 'kind'>, path: string): void {
  const { oneOf } = CORRUPTIONS[kind];
  if (oneOf === undefined) return;
  const [key, other] = oneOf.filter((each) => given[each] !== undefined);
  if (key === undefined) {
    throw new KeyError(`${path}.${oneOf[0]}`, `is missing: ${kind} needs ${orList(oneOf)}.`);
  }
  if (other === undefined) return;
  throw new KeyError(`${path}.${other}`, `is given beside ${key}: ${kind} takes one of them.`);
}

function checkMatrix(matrix: number[][] | undefined, path: string): void {
  const fault = matrix === undefined ? undefined : matrixFault(matrix);
  if (fault === undefined) return;
  throw new KeyError(`${path}.matrix`, `is no transition matrix: ${fault}.`, {
    hint: 'Row i holds the probabilities of each label for an example whose true class is i.',
  });
}

/** What stands for the file of a kind that is known by its content. */
function digest(
  kind: CorruptionKind,
  { file, sha256 }: Omit<Given, 'kind'>,
  path: string,
): { sha256?: string } {
  if (!('sha256' in CORRUPTIONS[kind].keys)) return {};
  if (file !== undefined) return { sha256: sha256 ?? digestOf(`${path}.file`, expandHome(file)) };
  if (sha256 === undefined) return {};
  throw new KeyError(`${path}.sha256`, 'is that of a file, and none is named.');
}

/** What tells one corruption from others: not where a file lies that is known by its content. */
export function identity(corruption: CorruptionConfig): Omit<CorruptionConfig, 'file'> {
  const { file: _, ...rest } = corruption;
  return corruption.sha256 === undefined ? corruption : rest;
}

/** A corruption as a config file would say it: with the keys of its kind alone. */
export function portableCorruption(corruption: CorruptionConfig): Record<string, unknown> {
  const { kind, fraction } = corruption;
  return { kind, fraction, ...Object.fromEntries(ownKeys(corruption)) };
}

function ownKeys(corruption: CorruptionConfig): [OwnKey, unknown][] {
  const { keys } = CORRUPTIONS[corruption.kind];
  return KEYS.flatMap((key): [OwnKey, unknown][] => {
    const value = corruption[key];
    return key in keys && value !== undefined ? [[key, value]] : [];
  });
}

/** One corruption for people: `partially corrupted labels, p = 0.5`, `Gaussian, global` … */
export function labelOf(corruption: CorruptionConfig, place: 'text' | 'legend' = 'text'): string {
  const { kind, fraction } = named(corruption);
  const { label, legend } = CORRUPTIONS[kind];
  const name = place === 'legend' && legend ? legend.label : label;
  const share = fraction === 1 ? '' : `p = ${fraction}`;
  const told = ownKeys(corruption).map(([key, value]) =>
    (OWN_KEYS[key].told as (value: unknown) => string)(value),
  );
  return [name, share, ...told].filter(Boolean).join(', ');
}

/** By the name that it has at fraction 1, where it has one. */
function named(corruption: CorruptionConfig): CorruptionConfig {
  // A run of a later version may have a kind that isn't known here.
  const ofAll = CORRUPTIONS[corruption.kind]?.ofAll;
  if (corruption.fraction < 1 || ofAll === undefined) return corruption;
  return { ...corruption, kind: ofAll as CorruptionKind };
}

/** What a list of corruptions comes to: what takes no example is left out, and what is the same has the same name. */
export function effective(corruption: readonly CorruptionConfig[]): CorruptionConfig[] {
  return corruption.filter(({ fraction }) => fraction > 0).map(named);
}

/** The paper's p, where labels alone are corrupted and its way: 0 true, 1 random; else `null`. */
export function corruptedShare(corruption: readonly CorruptionConfig[]): number | null {
  const [only, another] = effective(corruption);
  if (only === undefined) return 0;
  if (another !== undefined) return null;
  return CORRUPTIONS[only.kind].figures.includes('1b') ? only.fraction : null;
}
