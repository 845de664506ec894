import { join } from 'node:path';
import { z } from 'zod';
import { type FlatConfig, flatConfig } from '../../config/flat.js';
import { portableConfig } from '../../config/portable.js';
import { readJson } from '../../disk/json.js';
import { readOr, tolerate } from '../../errors.js';
import { readConfig } from '../runs.js';
import { type ListedRun, readListed } from './listed.js';

/** What one run has of something, and what another one: `undefined` where it has nothing. */
export interface Difference {
  key: string;
  a: unknown;
  b: unknown;
}

export const DIFF_PARTS = ['config', 'environment', 'results'] as const;
export type DiffPart = (typeof DIFF_PARTS)[number];

/** Two runs side by side, by key. */
export type RunDiff = Record<DiffPart, Difference[]> & { runs: [ListedRun, ListedRun] };

/**
 * How two runs differ. Of configs of earlier versions, what they left out has its default.
 *
 * @param all Gives what they agree in as well.
 */
export async function diffRuns(a: string, b: string, all = false): Promise<RunDiff> {
  const [ofA, ofB] = await Promise.all([a, b].map(partsOf));
  const part = (name: DiffPart) => differences(ofA!.parts[name], ofB!.parts[name], all);
  return {
    runs: [ofA!.run, ofB!.run],
    config: part('config'),
    environment: part('environment'),
    results: part('results'),
  };
}

async function partsOf(path: string) {
  const run = readListed(path);
  const resolved = await readConfig(path).catch(tolerate(() => null));
  const config = resolved === null ? run.config : flatConfig(portableConfig(resolved));
  const read = () => readJson(join(path, 'environment.json'), z.record(z.string(), z.unknown()));
  return {
    run,
    parts: { config, environment: flatConfig(readOr(read, {})), results: resultsOf(run) },
  };
}

/** Of one that has not ended, what its last epoch says. */
function resultsOf({ state, epoch, last, result, theory }: ListedRun): FlatConfig {
  const { name: _, config_hash: __, ...found } = result ?? theory ?? { last };
  return new Map([['state', state], ['epoch', epoch], ...flatConfig(found)]);
}

function differences(a: FlatConfig, b: FlatConfig, all: boolean): Difference[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys]
    .map((key) => ({ key, a: a.get(key), b: b.get(key) }))
    .filter((one) => all || JSON.stringify(one.a) !== JSON.stringify(one.b));
}
