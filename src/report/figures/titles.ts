import { groupBy } from '../groups.js';
import { tellApart } from '../tell-apart.js';
import type { FigurePlan } from './common.js';

/** What each part's titles begin with. */
export const PARTS: Record<FigurePlan['part'], string> = {
  '1a': 'Figure 1a',
  '1b': 'Figure 1b',
  '1c': 'Figure 1c',
  '2a': 'Figure 2a',
  '2b': 'Figure 2b',
  loss: 'Beyond the paper',
  descent: 'Double descent',
  curves: 'Learning curves',
  measures: 'Measures',
  examples: 'Examples',
};

/** Whole titles, no two of them the same: where they would be, they say in what their figures differ. */
export function titled(plans: readonly FigurePlan[]): FigurePlan[] {
  const whole = plans.map((plan) => ({ ...plan, title: `${PARTS[plan.part]}: ${plan.title}` }));
  const byAbout = told(whole, aboutOf);
  const bySettings = told(byAbout, settingsOf);
  return told(bySettings, (plan, same) => `no. ${same.indexOf(plan) + 1}`);
}

/** Titles that several plans have, with what tells these apart behind them. */
function told(
  plans: readonly FigurePlan[],
  tell: (plan: FigurePlan, same: FigurePlan[]) => string,
): FigurePlan[] {
  const titles = groupBy(plans, ({ title }) => title);
  return plans.map((plan) => {
    const same = titles.get(plan.title)!;
    if (same.length === 1 || new Set(same.map((one) => tell(one, same))).size === 1) return plan;
    return { ...plan, title: `${plan.title}, ${tell(plan, same)}` };
  });
}

/** What a caption begins with, without what all of the same title have: `weight decay 0.0005`. */
function aboutOf({ about }: FigurePlan, same: readonly FigurePlan[]): string {
  const own = about.filter((part) => !same.every((other) => other.about.includes(part)));
  return own.join(', ') || 'otherwise';
}

function settingsOf(plan: FigurePlan, same: readonly FigurePlan[]): string {
  return tellApart(same.map(({ config }) => config))[same.indexOf(plan)]!;
}
