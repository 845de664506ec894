import { CORRUPTIONS } from '../../config/corruptions.js';
import { hasModelKey } from '../../config/models.js';
import type { Config } from '../../config/resolve.js';
import { hasTheoryKey } from '../../config/theory.js';
import type { ReportRun } from '../runs.js';
import { shown } from '../settings/rules.js';
import type { Table } from './types.js';

/** `null` where the key does not apply to the config. */
type Value = (config: Config) => string | number | null | undefined;

const trains = (config: Config) => config.experiment === 'train';
const normalizes = ({ model }: Config) => hasModelKey(model.name, 'batchNorm') && model.batchNorm;

const ofTraining =
  (value: Value): Value =>
  (config) =>
    trains(config) ? value(config) : null;
const ofBatchNorm = (value: Value) => ofTraining((c) => (normalizes(c) ? value(c) : null));

/** What the paper leaves open, and the key by which it is chosen here. */
const CHOICES: [what: string, key: string, value: Value][] = [
  ['batch size', 'train.batchSize', ofTraining((c) => c.train.batchSize)],
  ['initial weights: factor', 'train.initGain', ofTraining((c) => c.train.initGain ?? 1)],
  ['epochs, at most', 'train.epochs', ofTraining((c) => c.train.epochs)],
  ['when training stops', 'train.stop', ofTraining((c) => stopText(c.train.stop))],
  ['epochs between evaluations', 'train.evaluateEvery', ofTraining((c) => c.train.evaluateEvery)],
  [
    'steps between decays of the learning rate',
    'train.decayEvery',
    ofTraining((c) => c.train.decayEvery ?? 'an epoch of the full training set'),
  ],
  ['decay of the learning rate', 'train.decay', ofTraining((c) => c.train.decay)],
  ['augmentation', 'regularization.augment', ofTraining((c) => augmentText(c))],
  [
    'weight decay coefficient',
    'regularization.weightDecay',
    (c) => c.regularization.weightDecay || null,
  ],
  [
    'BatchNorm: decay of the running statistics',
    'model.batchNormDecay',
    ofBatchNorm((c) => c.model.batchNormDecay),
  ],
  ['BatchNorm: ε', 'model.batchNormEpsilon', ofBatchNorm((c) => c.model.batchNormEpsilon)],
  [
    'local response normalization',
    'model.lrn',
    ofTraining(({ model }) => (hasModelKey(model.name, 'lrn') ? shown(model.lrn) : null)),
  ],
  ['pixel permutations: channels', 'corruption.channels', (c) => ofKindsWith('channels', c)],
  ['Gaussian: statistics per', 'corruption.statistics', (c) => ofKindsWith('statistics', c)],
  [
    'kernel bandwidths tried, of the median squared distance',
    'theory.bandwidths',
    (c) => (hasTheoryKey(c, 'bandwidths') ? c.theory?.bandwidths.join(', ') : null),
  ],
];

/** One row for each open choice that the runs made; several values where they differ. */
export function choicesTable(runs: readonly ReportRun[]): Table {
  const rows = CHOICES.flatMap(([what, key, value]) => {
    const values = [...new Set(runs.flatMap(({ config }) => value(config) ?? []))];
    return values.length === 0 ? [] : [{ cells: [what, values.join(' / '), key] }];
  });
  return {
    id: 'choices',
    title: 'What the paper leaves open, and what was chosen',
    note: 'Initial weights: truncated normal after He for ReLU layers, zero biases; logits start with a deviation of 1/fan-in. A fresh seeded order of the images in every epoch. Corruption comes before cropping and whitening; rounding and clipping to bytes lower the variance of Gaussian images by 7 to 10 %. Of the Inceptions with 1,649,402 parameters (convolutions without bias and BatchNorm with a shift, or with bias and BatchNorm without parameters) it is the first. The augmentation of Table 4 can be read with the random crop (full) or without it.',
    columns: ['open', 'chosen', 'key'],
    rows,
  };
}

/** Of Table 4's augmentation: with the random crop, or flip and rotation alone. */
function augmentText({ regularization }: Config): string | null {
  const { crop, flip, rotation } = regularization.augment;
  if (!flip || rotation === 0) return null;
  return `${crop ? 'random crop, ' : ''}flip, rotation up to ${rotation}°`;
}

function stopText(stop: Config['train']['stop']): string {
  if (stop === null) return 'never';
  return `${100 * stop.accuracy} % training accuracy, ${stop.patience} evaluations in a row`;
}

function ofKindsWith(key: 'channels' | 'statistics', { corruption }: Config) {
  return corruption.find(({ kind }) => key in CORRUPTIONS[kind].keys)?.[key] ?? null;
}
