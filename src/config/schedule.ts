import { z } from 'zod';
import { KeyError, refuseOthers } from './problems.js';
import { count, notNegative, optional, positive } from './values.js';

/** Keys of `train.schedule` beside its name and its warm-up. */
interface ScheduleKeys {
  milestones: number[];
  factor: number;
  every: number;
}

/** The keys of each schedule with their defaults; `milestones` has none. */
const ROWS = {
  staircase: {},
  cosine: {},
  'multi-step': { milestones: undefined, factor: 0.1 },
  'inverse-sqrt': { every: 512 },
} satisfies Record<string, Partial<Record<keyof ScheduleKeys, unknown>>>;

export type ScheduleName = keyof typeof ROWS;
const SCHEDULE_NAMES = Object.keys(ROWS) as ScheduleName[];

/** `train.schedule` as a person writes it. */
export const scheduleSchema = z
  .strictObject({
    name: z
      .enum(SCHEDULE_NAMES)
      .default('staircase')
      .describe(
        'staircase: train.decay every train.decayEvery steps; cosine: to 0 over all epochs (Loshchilov & Hutter 2017); multi-step: by factor at milestones; inverse-sqrt: 1/√(1 + ⌊step / every⌋) (Nakkiran 2020).',
      ),
    milestones: optional(
      z.array(count()).min(1),
      'multi-step: epochs at whose ends the learning rate falls, ascending.',
    ),
    factor: optional(positive.max(1), 'multi-step: … to this part of it; default 0.1.'),
    every: optional(count(), 'inverse-sqrt: steps; default 512.'),
    warmupEpochs: notNegative
      .default(0)
      .describe('Epochs over which the learning rate rises evenly to its own; any schedule.'),
  })
  .prefault({})
  .describe('How the learning rate changes from step to step.');

/** `train.schedule` of a resolved config; absent for the staircase without warm-up, which the paper has. */
export type ScheduleConfig = { name: ScheduleName; warmupEpochs: number } & Partial<ScheduleKeys>;

/**
 * Fills in the defaults of a schedule. Nothing for the paper's, so that the configs (and hashes) of runs with it know
 * nothing of others.
 *
 * @throws KeyError (`usage`) for a key of another schedule, or milestones that are missing or do not ascend.
 */
export function resolveSchedule({ name, warmupEpochs, ...keys }: z.output<typeof scheduleSchema>): {
  schedule?: ScheduleConfig;
} {
  const given = Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
  refuseOthers('train.schedule', name, Object.keys(given), {
    names: SCHEDULE_NAMES,
    keysOf: (each) => ROWS[each],
  });
  if (name === 'multi-step') checkMilestones(keys.milestones);
  if (name === 'staircase' && warmupEpochs === 0) return {};
  return { schedule: { name, warmupEpochs, ...ROWS[name], ...given } };
}

function checkMilestones(milestones: number[] | undefined): void {
  if (milestones === undefined) {
    throw new KeyError(
      'train.schedule.milestones',
      'is missing: the schedule multi-step needs it.',
    );
  }
  if (milestones.some((epoch, i) => i > 0 && epoch <= milestones[i - 1]!)) {
    throw new KeyError(
      'train.schedule.milestones',
      `must ascend, and is ${milestones.join(', ')}.`,
    );
  }
}

/** Whether another number of epochs is another schedule. */
export function dependsOnEpochs(schedule: ScheduleConfig | undefined): boolean {
  return schedule?.name === 'cosine';
}
