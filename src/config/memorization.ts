import { z } from 'zod';
import { KeyError } from './problems.js';
import type { ExperimentName } from './theory.js';
import { count, fraction, optional } from './values.js';

/** Two halves of a comparison need a network each; more than a sweep may have trials, nobody waits for. */
const [LEAST, MOST] = [2, 5000];

export const memorizationSchema = z
  .strictObject({
    members: optional(
      z.int().min(LEAST).max(MOST),
      'Networks that are trained, each on a random part of the training set; default 200: an example is left out by about 60, and a score has a standard error of at most 0.08.',
    ),
    fraction: optional(
      z.number().gt(0).lt(1),
      "Part of the training set that a network is trained on; default 0.7 (the authors').",
    ),
    memorized: optional(
      fraction,
      "Score from which on an example counts as memorized, and its influence is looked at; default 0.25 (the authors').",
    ),
    influence: optional(
      fraction,
      "Influence on a test example from which on a pair is kept; default 0.15 (the authors').",
    ),
    member: optional(
      count(MOST),
      'Of experiment train: the network is this one of them. experiment memorization sets it.',
    ),
  })
  .describe('Memorization scores and influence of training examples (Feldman & Zhang 2020).');

type ParsedMemorization = z.output<typeof memorizationSchema>;

/** The `memorization` section of a resolved config: of the experiment, or of one of its networks. */
export interface MemorizationConfig {
  fraction: number;
  /** Of a network, from 1. */
  member?: number;
  /** Of the experiment; so are the others. */
  members?: number;
  memorized?: number;
  influence?: number;
}

/** Keys of the experiment and of one of its networks, with their defaults; `null`: it has to be given. */
const KEYS = {
  experiment: { members: 200, fraction: 0.7, memorized: 0.25, influence: 0.15 },
  member: { member: null, fraction: 0.7 },
};

/**
 * The `memorization` section of a resolved config; nothing where it has none, so that configs (and hashes) of other runs know
 * nothing of it.
 *
 * @throws KeyError (`usage`) for a key that would do nothing, or one that is missing.
 */
export function resolveMemorization(
  experiment: ExperimentName,
  given: ParsedMemorization | undefined,
): { memorization?: MemorizationConfig } {
  const written = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  const isExperiment = experiment === 'memorization';
  if (!isExperiment && written.length === 0) return {};
  if (!isExperiment && experiment !== 'train') {
    throw new KeyError(
      `memorization.${written[0]![0]}`,
      `is for experiment memorization, and experiment is ${experiment}.`,
    );
  }
  const defaults = isExperiment ? KEYS.experiment : KEYS.member;
  const strange = written.find(([key]) => !(key in defaults));
  if (strange !== undefined) {
    throw new KeyError(
      `memorization.${strange[0]}`,
      `is for experiment ${isExperiment ? 'train' : 'memorization'}, and experiment is ${experiment}.`,
      isExperiment ? {} : { hint: 'Set experiment: memorization.' },
    );
  }
  if (!isExperiment && given?.member === undefined) {
    throw new KeyError('memorization.fraction', 'is for experiment memorization.', {
      hint: 'Set experiment: memorization, or memorization.member for one of its networks alone.',
    });
  }
  return { memorization: { ...defaults, ...Object.fromEntries(written) } as MemorizationConfig };
}
