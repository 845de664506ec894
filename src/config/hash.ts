import { createHash } from 'node:crypto';
import { effective, identity } from './corruptions.js';
import type { Config } from './resolve.js';
import { dependsOnEpochs } from './schedule.js';

/** Keys that change what a run is called, writes down or runs on, and no number in it. */
const NOT_IDENTITY = ['name', 'record', 'engine.device', 'engine.devices', 'launcher'];

/** Whether a key belongs to what `configHash` leaves out. */
export function isOutsideHash(keyPath: string): boolean {
  return NOT_IDENTITY.some((key) => keyPath === key || keyPath.startsWith(`${key}.`));
}

/**
 * Keys in which runs of one condition may differ and are put together all the same: no number depends on them but by rounding,
 * or they are what repetitions differ in.
 */
export const REPEATED = [
  'name',
  'seed',
  'seeds',
  'record',
  'data.dir',
  'data.memory',
  'engine.threads',
  'engine.device',
  'engine.devices',
  'engine.eager',
  'engine.deterministic',
  'memorization.member',
] as const;

/** Whether a key, or the section that it is of, is one of those. */
export function isRepeated(keyPath: string): boolean {
  return REPEATED.some((key) => keyPath === key || keyPath.startsWith(`${key}.`));
}

/** JSON with the keys of every mapping in order and nothing undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Keys that a run may be resumed with another value of: how far it goes and on how many threads, too. */
export const CHANGEABLE_ON_RESUME = [
  ...NOT_IDENTITY,
  'train.epochs',
  'engine.threads',
  'data.memory',
];

/**
 * SHA-256 (hex) that identifies an experiment: of the resolved config without `name`, `record`, `engine.device` and
 * `engine.devices`.
 * Everything else can change a number, `engine.threads` too: it changes the order in which floats are added.
 * The first 8 digits stand in the names of run directories.
 */
export function configHash(config: Config): string {
  return hashWithout(config, NOT_IDENTITY);
}

/**
 * What tells one run of a condition from another: equal for two that are one run made twice. The seed of corruptions counts
 * where something is corrupted alone.
 */
export function repetition({ seeds, corruption }: Pick<Config, 'seeds' | 'corruption'>): string {
  const drawn = effective(corruption).length > 0;
  return canonicalJson({ ...seeds, corruption: drawn ? seeds.corruption : null });
}

/** As `configHash`, but without the keys that a run may be resumed with another value of, and without all paths. */
export function resumeHash(config: Config): string {
  const { data, corruption, loss } = config;
  return hashWithout(
    {
      ...config,
      data: { ...data, dir: undefined },
      corruption: corruption.map(({ file: _, ...item }) => item),
      ...(loss === undefined ? {} : { loss: { ...loss, file: undefined } }),
    } as Config,
    changeableIn(config),
  );
}

/** Keys that this run may be resumed with another value of. */
export function changeableIn({ train }: Config): readonly string[] {
  return CHANGEABLE_ON_RESUME.filter(
    (key) => key !== 'train.epochs' || !dependsOnEpochs(train.schedule),
  );
}

/** The `resumeHash` of earlier versions, with its paths. */
export function resumeHashWithPaths(config: Config): string {
  return hashWithout(config, CHANGEABLE_ON_RESUME);
}

/** @param keys `section` or `section.key` */
function hashWithout(config: Config, keys: readonly string[]): string {
  const rest: Record<string, unknown> = { ...config, corruption: config.corruption.map(identity) };
  for (const keyPath of keys) {
    const [section, key] = keyPath.split('.') as [string, string?];
    if (key === undefined) delete rest[section];
    else rest[section] = { ...(rest[section] as object), [key]: undefined };
  }
  return createHash('sha256').update(canonicalJson(rest)).digest('hex');
}
