import { createHash } from 'node:crypto';
import type { Config } from './resolve.js';

/** Keys that change what a run is called, writes down or runs on, and no number in it. */
const NOT_IDENTITY = ['name', 'record', 'engine.device'];

/** Whether a key belongs to what `configHash` leaves out. */
export function isOutsideHash(keyPath: string): boolean {
  return NOT_IDENTITY.some((key) => keyPath === key || keyPath.startsWith(`${key}.`));
}

/** JSON with the keys of every mapping in order and nothing undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Keys that a run may be resumed with another value of: how far it goes, and on how many threads. */
const CHANGEABLE = ['train.epochs', 'engine.threads'];

/** The keys of the config that a run may be resumed with another value of. */
export const CHANGEABLE_ON_RESUME = [...NOT_IDENTITY, ...CHANGEABLE];

/**
 * SHA-256 (hex) that identifies an experiment: of the resolved config without `name`, `record` and `engine.device`.
 * Everything else can change a number, `engine.threads` too: it changes the order in which floats are added.
 * The first 8 digits stand in the names of run directories.
 */
export function configHash(config: Config): string {
  return hashOf(identityOf(config));
}

/** As `configHash`, but without the keys that a run may be resumed with another value of. */
export function resumeHash(config: Config): string {
  const { engine, train, ...rest } = identityOf(config);
  const { threads: _threads, ...engineRest } = engine;
  const { epochs: _epochs, ...trainRest } = train;
  return hashOf({ ...rest, engine: engineRest, train: trainRest });
}

function identityOf(config: Config) {
  const { name: _name, record: _record, engine, ...rest } = config;
  const { device: _device, ...engineRest } = engine;
  return { ...rest, engine: engineRest };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
