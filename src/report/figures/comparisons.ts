import { effective } from '../../config/corruptions.js';
import { hasOwnImages } from '../../config/datasets.js';
import type { Meaning, Split } from '../charts/chart.js';
import { isSmallInception, lossLabel, modelLabel, regularizerLabel } from '../describe.js';
import { families, type Group } from '../groups.js';
import { type FigurePlan, planOf, started } from './common.js';
import { accuracyChart, splitsFor } from './curves.js';

interface Comparison
  extends Pick<Parameters<typeof planOf>[1], 'part' | 'name' | 'title' | 'differs'> {
  means: Meaning;
  label: (group: Group) => string;
  /** Training accuracy is drawn as well. */
  train?: true;
}

const REGULARIZERS: Comparison = {
  part: '2a',
  title: 'Accuracy with and without regularizers',
  differs: { regularization: true },
  means: 'regularizers',
  label: ({ config }) => regularizerLabel(config.regularization),
  train: true,
};
const BATCH_NORM: Comparison = {
  part: '2b',
  title: 'Test accuracy with and without BatchNorm',
  differs: { model: true },
  means: 'network',
  label: ({ config }) => modelLabel(config.model),
};
const LOSS: Comparison = {
  part: 'loss',
  name: 'loss-correction',
  title: 'Test accuracy with and without correction of the loss',
  differs: { loss: true, corruption: false },
  means: 'loss',
  label: ({ config }) => lossLabel(config.loss),
};

/**
 * Figure 2: accuracy against step: of training and test with different regularizers (2a, image trees), of test with and
 * without BatchNorm (2b).
 */
export function figure2(groups: readonly Group[]): FigurePlan[] {
  const clean = groups.filter(({ config }) => effective(config.corruption).length === 0);
  const images = clean.filter(({ config }) => hasOwnImages(config.data.name));
  const inception = clean.filter(({ config }) => isSmallInception(config.model));
  return [
    ...families(images, ['regularization']).flatMap((family) => compare(family, REGULARIZERS)),
    ...families(inception, ['batchNorm']).flatMap((family) => compare(family, BATCH_NORM)),
  ];
}

/** Beyond the paper: what correcting the loss for label noise does to test accuracy. */
export function lossCorrection(groups: readonly Group[]): FigurePlan[] {
  const noisy = groups.filter(({ config }) => effective(config.corruption).length > 0);
  return families(noisy, ['loss']).flatMap((family) => compare(family, LOSS));
}

function compare(family: Group[], { label, means, train, ...plan }: Comparison): FigurePlan[] {
  const groups = started(family);
  if (groups.length < 2) return [];
  const all: Split[][] = train ? splitsFor(groups.length) : [['test']];
  return all.map((splits) => {
    const name = all.length > 1 ? { name: `figure-${plan.part}-${splits[0]}` } : {};
    return planOf(groups, {
      ...plan,
      ...name,
      chart: accuracyChart(groups, 'step', splits, means, label),
    });
  });
}
