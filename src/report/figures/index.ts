import { lineSpec } from '../charts/lines.js';
import { renderSvg } from '../charts/render.js';
import type { PageExamples } from '../examples/index.js';
import type { Group } from '../groups.js';
import type { MeasuredRuns } from '../measures/compare.js';
import { figure1b, figure1c } from './against-p.js';
import { colored } from './colors.js';
import type { FigurePlan } from './common.js';
import { figure2, lossCorrection } from './comparisons.js';
import { learningCurves } from './curves.js';
import { doubleDescent } from './double-descent.js';
import { examplePlans, orderByShare } from './examples.js';
import { figure1a } from './loss.js';
import { measurePlans } from './measures.js';
import { richest } from './richest.js';
import { titled } from './titles.js';

/** A figure, drawn. */
export interface Figure extends FigurePlan {
  svg: string;
}

/** All figures that the runs give, in the paper's order, then the learning curves. */
export function planFigures(
  groups: readonly Group[],
  examples?: PageExamples,
  measured: readonly MeasuredRuns[] = [],
): FigurePlan[] {
  const plans = [
    ...richest([...figure1a(groups), ...figure1b(groups), ...figure1c(groups)]),
    ...figure2(groups),
    ...lossCorrection(groups),
    ...doubleDescent(groups),
    ...learningCurves(groups),
    ...measurePlans(measured),
    ...orderByShare(groups, examples?.learned ?? []),
    ...examplePlans(examples?.runs ?? []),
  ];
  return colored(titled(withOwnNames(plans)));
}

/** Draws figures as they are read without JavaScript, and printed. */
export async function drawFigures(plans: readonly FigurePlan[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const plan of plans) {
    const description = `${plan.title}. ${plan.caption}`;
    figures.push({ ...plan, svg: await renderSvg(lineSpec(plan.chart), plan.id, description) });
  }
  return figures;
}

/** Figures of configs that differ in what their captions do not say would take each other's files. */
function withOwnNames(plans: FigurePlan[]): FigurePlan[] {
  const taken = new Map<string, number>();
  return plans.map((plan) => {
    const times = (taken.get(plan.id) ?? 0) + 1;
    taken.set(plan.id, times);
    return times === 1 ? plan : { ...plan, id: `${plan.id}-${times}` };
  });
}

export type { FigurePlan } from './common.js';
