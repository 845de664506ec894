import type { ConfigOf } from '../../config/resolve.js';
import type { ExperimentName } from '../../config/theory.js';

/** Parts of a config that are judged as a whole, whatever keys they have. */
const WHOLE = [
  'seeds',
  'record',
  'corruption',
  'loss',
  'data.split',
  'data.subset',
  'model.lrn',
  'train.stop',
  'train.optimizer',
  'train.schedule',
] as const;
type Whole = (typeof WHOLE)[number];

type Path<Parent extends string, Key extends string> = Parent extends '' ? Key : `${Parent}.${Key}`;
type Leaf<T, At extends string> = At extends Whole
  ? At
  : T extends readonly unknown[]
    ? At
    : T extends object
      ? LeavesOf<T, At>
      : At;
type LeavesOf<T, At extends string> = {
  [K in keyof T & string]-?: Leaf<NonNullable<T[K]>, Path<At, K>>;
}[keyof T & string];

/**
 * Every key of a resolved config, as a path. A list that is typed by it doesn't compile without a key that the config has
 * got since.
 */
export type ConfigKey = LeavesOf<ConfigOf<ExperimentName>, ''>;

/** What a config says, key by key; a key that it leaves out is left out. */
export function settingsOf(config: object): Map<string, unknown> {
  const settings = new Map<string, unknown>();
  const visit = (value: unknown, path: string) => {
    if (value === undefined) return;
    const isWhole = (WHOLE as readonly string[]).includes(path);
    if (isWhole || typeof value !== 'object' || value === null || Array.isArray(value)) {
      settings.set(path, value);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      visit(inner, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(config, '');
  return settings;
}
