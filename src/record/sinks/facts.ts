import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { configHash } from '../../config/hash.js';
import { portableConfig } from '../../config/portable.js';
import type { Config } from '../../config/resolve.js';
import { sha256 } from '../../disk/digest.js';
import { readJson } from '../../disk/json.js';
import { holderOf } from '../../disk/lock.js';
import { isThere } from '../../disk/reading.js';
import { readOr } from '../../errors.js';
import { readOrigin } from '../run-directory.js';
import { readConfig, readResult, readTheoryResult } from '../runs.js';
import { readStatus } from '../status.js';
import type { Point, RunFacts, TrackedState } from './types.js';

/**
 * What is known of a run, for a tracker or a table.
 *
 * @param experiment Default: the run's name.
 * @throws RethinkError (`data`) where its config is missing or damaged; what else is damaged is left out.
 */
export async function factsOf(runDir: string, experiment?: string): Promise<RunFacts> {
  const config = await readConfig(runDir);
  const name = basename(runDir);
  const origin = readOr(() => readOrigin(runDir), null);
  return {
    id: sha256(`${name} ${origin?.folder ?? ''}`).slice(0, 32),
    name,
    experiment: experiment ?? config.name,
    started: startOf(runDir),
    params: flat(config),
    tags: tagsOf(runDir, config),
  };
}

/** When a run was begun: its directory's name says so. */
function startOf(runDir: string): number {
  const stamp = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(basename(runDir))?.slice(1);
  if (stamp === undefined) return Math.floor(statSync(join(runDir, 'config.json')).mtimeMs);
  const [year, month, ...rest] = stamp.map(Number) as [number, number, number];
  return Date.UTC(year, month - 1, ...rest);
}

/** A run's config as a person would write it, flat: `corruption.0.kind`; where it was sent is no part of it. */
export async function flatConfig(runDir: string): Promise<Record<string, unknown>> {
  return flat(await readConfig(runDir));
}

function flat(config: Config): Record<string, unknown> {
  const { record, ...rest } = portableConfig(config) as Record<string, object>;
  const { sinks: _, ...recorded } = record as { sinks?: unknown };
  return Object.fromEntries(flattened({ ...rest, record: recorded }));
}

/** A leaf as text; a list of plain values is JSON. */
export const leafText = (leaf: unknown): string =>
  typeof leaf === 'string' ? leaf : JSON.stringify(leaf);

/** The leaves of plain values with their paths. */
export function flattened(value: unknown, path = ''): [path: string, leaf: unknown][] {
  if (value === undefined || value === null) return [];
  const isPlainList = Array.isArray(value) && value.every((item) => typeof item !== 'object');
  if (typeof value !== 'object' || isPlainList) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flattened(inner, path === '' ? key : `${path}.${key}`),
  );
}

const environmentSchema = z.looseObject({
  rethink_gen: z.looseObject({
    version: z.string(),
    git: z.looseObject({ commit: z.string(), dirty: z.boolean() }).nullish(),
  }),
  engine: z.record(z.string(), z.unknown()).nullish(),
});
const corruptionSchema = z.looseObject({
  train: z.looseObject({ labels_changed: z.number().optional() }).optional(),
});

function tagsOf(runDir: string, config: Config): Record<string, unknown> {
  const read = <T>(name: string, schema: z.ZodType<T>): T | null => {
    const path = join(runDir, `${name}.json`);
    return isThere(path) ? readOr(() => readJson(path, schema), null) : null;
  };
  const environment = read('environment', environmentSchema);
  const corruption = read('corruption', corruptionSchema);
  const result = resultOf(runDir);
  const { version, git } = environment?.rethink_gen ?? {};
  const tags: Record<string, unknown> = {
    version,
    commit: git && `${git.commit}${git.dirty ? ' with changes' : ''}`,
    config_hash: configHash(config),
    // The trials of a sweep lie in one folder.
    group: basename(dirname(runDir)),
    label_noise: corruption?.train?.labels_changed,
    outcome: result?.outcome,
    ...Object.fromEntries(flattened({ engine: environment?.engine, data: result?.data })),
  };
  const given = Object.entries(tags).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([key, value]) => [`rethink_gen.${key}`, value]));
}

/** `result.json`, whatever its experiment; `null` where there is none that can be read. */
function resultOf(runDir: string) {
  return readOr(() => readResult(runDir), null) ?? readOr(() => readTheoryResult(runDir), null);
}

/** Of a result: what names and conditions are, which are tags, and what the last row says. */
const NO_FINDINGS = ['name', 'config_hash', 'last', 'engine', 'data', 'schedule', 'experiment'];
/** An experiment may find a list of any length; its table is for that. */
const MOST_FINDINGS = 500;

/** The numbers of a run's result, as `result.KEY`, at its last step; `null` until it has ended. */
export function resultPoint(runDir: string, started: number): Point | null {
  const result = resultOf(runDir);
  if (result === null || result.outcome === 'interrupted') return null;
  const found = Object.entries(result).filter(([key]) => !NO_FINDINGS.includes(key));
  const numbers = flattened(Object.fromEntries(found)).flatMap(([key, value]) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') return [];
    return [[`result.${key}`, Number(value)] as const];
  });
  const step = 'steps' in result && typeof result.steps === 'number' ? result.steps : 0;
  const values = Object.fromEntries(numbers.slice(0, MOST_FINDINGS));
  return { step, at: momentOf(started, result.seconds), values };
}

/** Milliseconds since 1970 of so many seconds of a run: the run's own clock, which stands still while it is interrupted. */
export function momentOf(started: number, seconds: unknown): number {
  const passed = typeof seconds === 'number' && Number.isFinite(seconds) ? seconds : 0;
  return started + Math.round(passed * 1000);
}

const TRACKED = {
  running: 'running',
  finished: 'finished',
  interrupted: 'interrupted',
  // A result as good as any.
  diverged: 'finished',
  failed: 'failed',
} as const;

/** The state of a run: one whose process is gone was interrupted, whatever it said last. */
export function stateOf(runDir: string): TrackedState {
  const status = readOr(() => readStatus(runDir), null);
  const tracked = TRACKED[status?.state ?? 'running'];
  if (tracked !== 'running') return tracked;
  const holder = readOr(() => holderOf(runDir), null);
  return holder === null || holder.liveness === 'dead' ? 'interrupted' : 'running';
}

/** When a run last said that it lives, in milliseconds since 1970. */
export function lastSign(runDir: string): number {
  const heartbeat = readOr(() => readStatus(runDir), null)?.heartbeat;
  return heartbeat === undefined ? Date.now() : Date.parse(heartbeat);
}
