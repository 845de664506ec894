import { hasOwnImages } from '../../config/datasets.js';
import { MOST_SERIES } from '../charts/theme.js';
import { isSmallInception, lossLabel, modelLabel, regularizerLabel } from '../describe.js';
import { families, type Group } from '../groups.js';
import {
  conditionsOf,
  type FigurePlan,
  readable,
  seedsNote,
  sentences,
  slug,
  unfinishedNote,
} from './common.js';
import { accuracyChart, pointsOf } from './curves.js';

const DIFFERS = {
  '2a': { regularization: true },
  '2b': { model: true },
  loss: { loss: true, corruption: false },
} as const;

interface Comparison {
  part: keyof typeof DIFFERS;
  title: string;
  label: (group: Group) => string;
  /** Training accuracy is drawn as well. */
  train?: true;
}

const REGULARIZERS: Comparison = {
  part: '2a',
  title: 'Accuracy with and without regularizers',
  label: ({ config }) => regularizerLabel(config.regularization),
  train: true,
};
const BATCH_NORM: Comparison = {
  part: '2b',
  title: 'Test accuracy with and without BatchNorm',
  label: ({ config }) => modelLabel(config.model),
};
const LOSS: Comparison = {
  part: 'loss',
  title: 'Test accuracy with and without correction of the loss',
  label: ({ config }) => lossLabel(config.loss),
};

/**
 * Figure 2: accuracy against step: of training and test with different regularizers (2a, image trees), of test with and
 * without BatchNorm (2b).
 */
export function figure2(groups: readonly Group[]): FigurePlan[] {
  const clean = groups.filter(({ config }) => config.corruption.length === 0);
  const images = clean.filter(({ config }) => hasOwnImages(config.data.name));
  const inception = clean.filter(({ config }) => isSmallInception(config.model));
  return [
    ...families(images, ['regularization']).flatMap((family) => compare(family, REGULARIZERS)),
    ...families(inception, ['batchNorm']).flatMap((family) => compare(family, BATCH_NORM)),
  ];
}

/** Beyond the paper: what correcting the loss for label noise does to test accuracy. */
export function lossCorrection(groups: readonly Group[]): FigurePlan[] {
  const noisy = groups.filter(({ config }) => config.corruption.length > 0);
  return families(noisy, ['loss']).flatMap((family) => compare(family, LOSS));
}

function compare(family: Group[], { part, title, label, train }: Comparison): FigurePlan[] {
  const started = family.filter(({ runs }) => runs.some(({ metrics }) => metrics.length > 0));
  const groups = readable(started, train ? MOST_SERIES >> 1 : MOST_SERIES);
  if (groups.length < 2) return [];
  const lines = groups.flatMap((group) => {
    const test = pointsOf(group, 'test_accuracy', 'step');
    if (!train) return [{ label: label(group), points: test }];
    const trained = pointsOf(group, 'train_accuracy', 'step');
    return [
      { label: `train: ${label(group)}`, points: trained },
      { label: `test: ${label(group)}`, points: test },
    ];
  });
  const about = conditionsOf(groups, DIFFERS[part]);
  return [
    {
      id: `${part === 'loss' ? 'loss-correction' : `figure-${part}`}-${slug(about)}`,
      part,
      title,
      caption: sentences(`${about}.`, seedsNote(groups, 'band'), unfinishedNote(groups)),
      chart: accuracyChart(lines, 'step', train ? 'accuracy' : 'test accuracy'),
    },
  ];
}
