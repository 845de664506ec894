import { CORRUPTIONS } from '../../config/corruptions.js';
import { hasModelKey } from '../../config/models.js';
import type { Config } from '../../config/resolve.js';
import { hasTheoryKey } from '../../config/theory.js';
import type { ReportRun } from '../runs.js';
import type { Table } from './types.js';

interface Choice {
  what: string;
  key: string;
  /** `null` where the key does not apply to the config. */
  value: (config: Config) => string | null;
}

const trains = (config: Config) => config.experiment === 'train';
const normalizes = ({ model }: Config) => hasModelKey(model.name, 'batchNorm') && model.batchNorm;

/** What the paper leaves open, and the key by which it is chosen here. */
const CHOICES: Choice[] = [
  { what: 'batch size', key: 'train.batchSize', value: (c) => when(trains(c), c.train.batchSize) },
  { what: 'epochs, at most', key: 'train.epochs', value: (c) => when(trains(c), c.train.epochs) },
  {
    what: 'when training stops',
    key: 'train.stop',
    value: (c) => when(trains(c), stopText(c.train.stop)),
  },
  {
    what: 'epochs between evaluations',
    key: 'train.evaluateEvery',
    value: (c) => when(trains(c), c.train.evaluateEvery),
  },
  {
    what: 'steps between decays of the learning rate',
    key: 'train.decayEvery',
    value: (c) => when(trains(c), c.train.decayEvery ?? 'an epoch of the full training set'),
  },
  {
    what: 'decay of the learning rate',
    key: 'train.decay',
    value: (c) => when(trains(c), c.train.decay),
  },
  {
    what: 'weight decay coefficient',
    key: 'regularization.weightDecay',
    value: (c) => when(c.regularization.weightDecay > 0, c.regularization.weightDecay),
  },
  {
    what: 'BatchNorm: decay of the running statistics',
    key: 'model.batchNormDecay',
    value: (c) => when(trains(c) && normalizes(c), c.model.batchNormDecay),
  },
  {
    what: 'BatchNorm: ε',
    key: 'model.batchNormEpsilon',
    value: (c) => when(trains(c) && normalizes(c), c.model.batchNormEpsilon),
  },
  {
    what: 'local response normalization',
    key: 'model.lrn',
    value: (c) => when(trains(c) && hasModelKey(c.model.name, 'lrn'), lrnText(c.model.lrn)),
  },
  {
    what: 'pixel permutations: channels',
    key: 'corruption.channels',
    value: (c) => ofKindsWith('channels', c),
  },
  {
    what: 'Gaussian: statistics per',
    key: 'corruption.statistics',
    value: (c) => ofKindsWith('statistics', c),
  },
  {
    what: 'kernel bandwidths tried, of the median squared distance',
    key: 'theory.bandwidths',
    value: (c) => when(hasTheoryKey(c, 'bandwidths'), c.theory?.bandwidths.join(', ')),
  },
];

/** One row for each open choice that the runs made; several values where they differ. */
export function choicesTable(runs: readonly ReportRun[]): Table {
  const rows = CHOICES.flatMap(({ what, key, value }) => {
    const values = [...new Set(runs.map(({ config }) => value(config)))].filter((v) => v !== null);
    return values.length === 0 ? [] : [{ cells: [what, values.join(' / '), key] }];
  });
  return {
    id: 'choices',
    title: 'What the paper leaves open, and what was chosen',
    note: 'Initial weights: truncated normal after He for ReLU layers, zero biases; a fresh seeded order of the images in every epoch; corruption comes before cropping and whitening.',
    columns: [{ title: 'open' }, { title: 'chosen' }, { title: 'key' }],
    rows,
    measured: rows.length > 0,
  };
}

function when(applies: boolean, value: string | number | undefined): string | null {
  return applies && value !== undefined ? String(value) : null;
}

function stopText(stop: Config['train']['stop']): string {
  if (stop === null) return 'never';
  return `${100 * stop.accuracy} % training accuracy, ${stop.patience} evaluations in a row`;
}

function lrnText({ radius, bias, alpha, beta }: Config['model']['lrn']): string {
  return `radius ${radius}, bias ${bias}, α ${alpha.toPrecision(3)}, β ${beta}`;
}

function ofKindsWith(key: 'channels' | 'statistics', { corruption }: Config) {
  return corruption.find(({ kind }) => key in CORRUPTIONS[kind].keys)?.[key] ?? null;
}
