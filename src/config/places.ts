import { isAbsolute, resolve } from 'node:path';
import { RethinkError } from '../errors.js';
import { checkDataKeys } from './datasets.js';
import { CHANGEABLE_ON_RESUME } from './hash.js';
import { correctionOf } from './loss.js';
import { type Override, parseOverride } from './overrides.js';
import { expandHome } from './paths.js';
import { formatPath } from './problems.js';
import type { Config } from './resolve.js';

/**
 * Keys that say where something lies, and nothing of what it is: `data.dir`, `corruption.N.file`, `loss.file`. A run may be
 * resumed with another place of the same data, whose hash is looked at anyway.
 */
export type Places = Record<string, string>;

/** The places that a config names, by key. */
export function placesOf({ data, corruption, loss }: Config): Places {
  const named: [string, string | undefined][] = [
    ['data.dir', data.dir],
    ...corruption.map(({ file }, i): [string, string | undefined] => [
      `corruption.${i}.file`,
      file,
    ]),
    ['loss.file', correctionOf(loss)?.file],
  ];
  return Object.fromEntries(
    named.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** A config with other places. */
export function withPlaces(config: Config, places: Places): Config {
  const { data, corruption, loss } = config;
  const at = <T extends object>(section: T, key: 'dir' | 'file', name: string): T =>
    places[name] === undefined ? section : { ...section, [key]: places[name] };
  return {
    ...config,
    data: at(data, 'dir', 'data.dir'),
    corruption: corruption.map((item, i) => at(item, 'file', `corruption.${i}.file`)),
    ...(loss === undefined
      ? {}
      : { loss: correctionOf(loss) ? at(loss, 'file', 'loss.file') : loss }),
  };
}

/** Where a run was started, and what has been moved since. */
export interface Origin {
  /** Relative paths of the config are meant from here. */
  folder: string;
  /** By key: what the config says, and where that is found instead. */
  moved: Record<string, { from: string | null; to: string }>;
}

/** Of a run that is started by this process, in its folder. */
export function startedHere(): Origin {
  return { folder: process.cwd(), moved: {} };
}

/**
 * A config whose places are found from wherever this process runs.
 *
 * @param here Keys whose paths are meant from this process's own folder: given on the command line.
 */
export function locatedConfig(
  config: Config,
  { folder, moved }: Origin,
  here: (key: string) => boolean = () => false,
): Config {
  const written = placesOf(config);
  const keys = new Set([...Object.keys(written), ...Object.keys(moved)]);
  const places = [...keys].flatMap((key): [string, string][] => {
    const path = written[key];
    if (here(key)) return path === undefined ? [] : [[key, expandHome(path)]];
    if (moved[key]?.from === (path ?? null)) return [[key, expandHome(moved[key].to)]];
    if (path === undefined || isAbsolute(path)) return [];
    const expanded = expandHome(path);
    if (expanded !== path) return [[key, expanded]];
    // Of this folder it stays as it is written: errors name it so.
    return folder === process.cwd() ? [] : [[key, resolve(folder, path)]];
  });
  return withPlaces(config, Object.fromEntries(places));
}

/** Another place on the command line: `data.dir=/scratch/data`. */
export interface Move {
  key: string;
  /** Absolute. */
  path: string;
}

const PLACE = /^(data\.dir|loss\.file|corruption(\.\d+)?\.file)$/;

/**
 * Reads what `resume` takes beside a run: other places, from this process's folder.
 *
 * @throws RethinkError (`usage`) naming any other key.
 */
export function parseMoves(texts: readonly (string | Override)[]): Move[] {
  return texts.map((text) => {
    const { path, value } = typeof text === 'string' ? parseOverride(text) : text;
    const key = formatPath(path);
    if (!PLACE.test(key)) {
      const inFile = CHANGEABLE_ON_RESUME.some((other) => isSame(other, key));
      throw new RethinkError('usage', `${key} can't be given to a run, which has its own config.`, {
        hint: inFile
          ? `Change ${key} in its config.json.`
          : 'Only where its data lies: data.dir, corruption.file, loss.file. For anything else start a new run.',
      });
    }
    if (typeof value !== 'string' || value === '') {
      throw new RethinkError('usage', `${key} should be a path.`);
    }
    return { key, path: value.startsWith('~') ? value : resolve(value) };
  });
}

function isSame(section: string, key: string): boolean {
  return key === section || key.startsWith(`${section}.`);
}

/** Those of the moves that a config has a use for, by its own keys. */
export function movesOf(config: Config, moves: readonly Move[]): Places {
  const written = Object.keys(placesOf(config));
  const found = moves.flatMap(({ key, path }): [string, string][] => {
    if (key === 'data.dir') return canLieElsewhere(config, path) ? [[key, path]] : [];
    const files = written.filter((other) => other.startsWith('corruption.'));
    const meant = key === 'corruption.file' ? files : [key].filter((k) => written.includes(k));
    return meant.map((k) => [k, path]);
  });
  return Object.fromEntries(found);
}

/** Published data without a `data.dir` may be given one; generated data may not. */
function canLieElsewhere({ data }: Config, dir: string): boolean {
  try {
    checkDataKeys({ ...data, dir });
    return true;
  } catch {
    return false;
  }
}

/**
 * What is known of a run's places, with moves added.
 *
 * @throws RethinkError (`usage`) for a move that none of the configs has a use for, or which they have different places at.
 */
export function moved(origin: Origin, configs: readonly Config[], moves: readonly Move[]): Origin {
  const result: Origin = { ...origin, moved: { ...origin.moved } };
  for (const move of moves) {
    const from = new Map<string, Set<string | null>>();
    for (const config of configs) {
      for (const key of Object.keys(movesOf(config, [move]))) {
        from.set(key, (from.get(key) ?? new Set()).add(placesOf(config)[key] ?? null));
      }
    }
    if (from.size === 0) {
      throw new RethinkError('usage', `${move.key} says nothing here: there is no such path.`, {
        hint: 'It is for runs whose config names one.',
      });
    }
    for (const [key, paths] of from) {
      if (paths.size > 1) {
        throw new RethinkError('usage', `${key} differs between the trials of this sweep.`, {
          hint: 'Resume them one by one: rethink-gen resume RUN_DIR data.dir=PATH',
        });
      }
      result.moved[key] = { from: [...paths][0] ?? null, to: move.path };
    }
  }
  return result;
}
