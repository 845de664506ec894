import type { Trial } from '../config/experiment.js';
import { configHash } from '../config/hash.js';
import { membersOf } from '../config/members.js';
import { isComplete, type TrialRecord } from './types.js';

/** Of each trial, the places of those that have to be complete before it: the members of an experiment. */
export function needsOf(trials: readonly Pick<Trial, 'config'>[]): number[][] {
  const placeOf = new Map(trials.map(({ config }, place) => [configHash(config), place]));
  return trials.map(({ config }) =>
    membersOf(config).map((member) => placeOf.get(configHash(member.config)) ?? -1),
  );
}

/** How many of them aren't. @param needs Of one trial. */
export function lacking(needs: readonly number[], records: readonly TrialRecord[]): number {
  return needs.filter((place) => {
    const record = records[place];
    return record === undefined || !isComplete(record);
  }).length;
}
