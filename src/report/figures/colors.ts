import { MOST_CONDITIONS } from '../charts/theme.js';
import type { FigurePlan } from './common.js';

/**
 * Gives every condition a color, the same in all figures of a page, and within a figure each its own: the first that no
 * condition has which it stands beside anywhere. Where there are not enough for that, a figure's conditions get panels.
 */
export function colored(plans: readonly FigurePlan[]): FigurePlan[] {
  const colors = new Map<string, number>();
  const beside = neighbors(plans);
  for (const [key, others] of beside) {
    const taken = new Set([...others].map((other) => colors.get(other)));
    const free = Array.from({ length: MOST_CONDITIONS }, (_, i) => i).find((i) => !taken.has(i));
    colors.set(key, free ?? colors.size % MOST_CONDITIONS);
  }
  return plans.map((plan) => {
    const own = plan.chart.conditions.map((condition) => colors.get(keyOf(plan, condition))!);
    const panels = plan.chart.panels || new Set(own).size < own.length;
    return { ...plan, chart: { ...plan.chart, colors: own, ...(panels ? { panels } : {}) } };
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
      if (plan.chart.panels) continue;
      for (const other of keys) if (other !== key) others.add(other);
    }
  }
  return beside;
}

function keyOf({ chart }: FigurePlan, condition: string): string {
  return JSON.stringify([chart.means, condition]);
}
