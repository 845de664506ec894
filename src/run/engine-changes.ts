import type { EngineInfo } from '../engines/types.js';

/** How a person names what an engine's numbers depend on; `null`: a change of it is told as one of the config. */
const CONDITIONS: Record<keyof EngineInfo, string | null> = {
  name: 'engine',
  version: 'version',
  device: 'device',
  precision: null,
  mode: null,
  devices: 'devices',
  threads: null,
  onednn: 'TF_ENABLE_ONEDNN_OPTS',
  own_ops: 'operations of our own',
  command_buffers: null,
};

/** Versions that don't tell it had them. */
const OLDER = { own_ops: true, devices: 1 };

/**
 * Says that a run goes on with another engine than it was computed with so far; `undefined` where that is the same, or where
 * nobody knows.
 *
 * @param then of the run directory: any version's
 */
export function engineChange(
  then: Readonly<Record<string, unknown>>,
  now: EngineInfo,
): string | undefined {
  const changes = changesOf(then, now);
  if (changes.length === 0) return undefined;
  return `The run goes on with another engine than it had: ${changes.join('; ')}. From here on the last digits of its numbers may be others than they would have been.`;
}

function changesOf(then: Readonly<Record<string, unknown>>, now: EngineInfo): string[] {
  if (then.name === undefined) return [];
  if (then.name !== now.name) {
    return [`${word(then.name)} ${word(then.version)}, now ${now.name} ${now.version}`];
  }
  const known: Record<string, unknown> = { ...OLDER, ...then };
  return (Object.keys(CONDITIONS) as (keyof EngineInfo)[])
    .filter((key) => CONDITIONS[key] !== null)
    .filter((key) => known[key] !== undefined && now[key] !== undefined)
    .filter((key) => known[key] !== now[key])
    .map((key) => `${CONDITIONS[key]} ${word(known[key])}, now ${word(now[key])}`);
}

function word(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
