import type { FigurePlan } from './common.js';

/**
 * Of the paper's figures, where several show the same lines on the same data, the one with the most points: runs for other
 * figures and tables, whose settings differ a little (epochs, when to stop), would fill the page with repetitions. Its
 * caption counts the others; each of their runs has its learning curve and its row.
 *
 * @param plans `id`s are the same for the same part, data and conditions that captions tell.
 * @returns In the order given.
 */
export function richest(plans: readonly FigurePlan[]): FigurePlan[] {
  const kept = new Map<FigurePlan, number>();
  for (const plan of plans.toSorted((a, b) => b.chart.points.length - a.chart.points.length)) {
    const richer = [...kept.keys()].find(
      ({ id, chart }) =>
        id === plan.id && plan.chart.conditions.every((name) => chart.conditions.includes(name)),
    );
    if (richer === undefined) kept.set(plan, 0);
    else kept.set(richer, kept.get(richer)! + 1);
  }
  return plans.flatMap((plan) => {
    const others = kept.get(plan);
    if (others === undefined) return [];
    if (others === 0) return [plan];
    const told =
      others === 1 ? 'Another group of runs shows' : `${others} other groups of runs show`;
    const note = `${told} no more of it under other settings.`;
    return [{ ...plan, caption: `${plan.caption} ${note}` }];
  });
}
