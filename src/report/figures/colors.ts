import { apart } from '../charts/chart.js';
import { MOST_CONDITIONS } from '../charts/theme.js';
import type { FigurePlan } from './common.js';

/**
 * Gives every condition a color, the same in all figures of a page, and beside others its own: the first that no condition
 * has which it stands beside anywhere. Where there are not enough for that, a figure's conditions get panels.
 */
export function colored(plans: readonly FigurePlan[]): FigurePlan[] {
  const places = new Map<string, number>();
  for (const [key, others] of neighbors(plans)) {
    const taken = new Set([...others].map((other) => places.get(other)));
    const free = Array.from({ length: MOST_CONDITIONS }, (_, i) => i).find((i) => !taken.has(i));
    places.set(key, free ?? places.size % MOST_CONDITIONS);
  }
  return plans.map((plan) => {
    const colors = plan.chart.conditions.map((condition) => places.get(keyOf(plan, condition))!);
    const chart = { ...plan.chart, colors };
    return { ...plan, chart: new Set(colors).size === colors.length ? chart : apart(chart) };
  });
}

/** Conditions in the order in which they are first met, and those that must look different. */
function neighbors(plans: readonly FigurePlan[]): Map<string, Set<string>> {
  const beside = new Map<string, Set<string>>();
  for (const plan of plans) {
    const keys = plan.chart.conditions.map((condition) => keyOf(plan, condition));
    for (const key of keys) {
      const others = beside.get(key) ?? new Set();
      beside.set(key, others);
      // These get panels anyway.
      if (keys.length > MOST_CONDITIONS) continue;
      for (const other of keys) if (other !== key) others.add(other);
    }
  }
  return beside;
}

function keyOf({ chart }: FigurePlan, condition: string): string {
  return JSON.stringify([chart.means, condition]);
}
