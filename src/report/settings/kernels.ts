import type { PaperKernel } from '../../paper.js';
import { COMMON } from './common.js';
import type { ConfigKey } from './keys.js';
import { CELL, FREE, fixed, open, type Rules, shown } from './rules.js';

/** Sections that a kernel experiment has no use for. */
type Unused = Extract<ConfigKey, `${'model' | 'regularization' | 'train' | 'engine'}.${string}`>;

const UNUSED: Record<Unused, typeof FREE> = {
  'model.name': FREE,
  'model.hidden': FREE,
  'model.batchNorm': FREE,
  'model.batchNormDecay': FREE,
  'model.batchNormEpsilon': FREE,
  'model.lrn': FREE,
  'model.width': FREE,
  'model.depth': FREE,
  'model.widen': FREE,
  'regularization.weightDecay': FREE,
  'regularization.dropout': FREE,
  'regularization.mixup': FREE,
  'regularization.augment.crop': FREE,
  'regularization.augment.flip': FREE,
  'regularization.augment.rotation': FREE,
  'regularization.augment.resizedCrop': FREE,
  'regularization.augment.brightness': FREE,
  'regularization.augment.contrast': FREE,
  'regularization.augment.saturation': FREE,
  'regularization.augment.hue': FREE,
  'train.epochs': FREE,
  'train.batchSize': FREE,
  'train.learningRate': FREE,
  'train.decay': FREE,
  'train.decayEvery': FREE,
  'train.momentum': FREE,
  'train.initGain': FREE,
  'train.optimizer': FREE,
  'train.schedule': FREE,
  'train.stop': FREE,
  'train.evaluateEvery': FREE,
  'engine.name': FREE,
  // All is computed in doubles, whatever a training's precision would be.
  'engine.precision': FREE,
  'engine.threads': FREE,
  'engine.device': FREE,
  'engine.devices': FREE,
  'engine.eager': FREE,
  'engine.deterministic': FREE,
};

/** Sides of the published images. */
const SIDE: Record<PaperKernel['data'], number> = { mnist: 28, cifar10: 32 };

/** Table 3: minimum-norm kernel solutions. */
export const KERNEL_RULES: Rules<PaperKernel> = {
  ...UNUSED,
  ...COMMON,
  experiment: CELL,
  corruption: CELL,
  loss: FREE,
  'data.name': CELL,
  'data.size': FREE,
  'data.crop': open(
    (value = 28) => `center crop ${shown(value)}`,
    ({ data }) => (data === 'mnist' ? [undefined, SIDE.mnist] : [SIDE.cifar10]),
    '"Gaussian kernel on pixels", "no preprocessing": the whole image is the closer reading',
  ),
  'data.split': fixed(
    (value) => (value === undefined ? null : 'a split of one half'),
    () => [undefined],
    'section 5: the whole training set',
  ),
  'theory.features': CELL,
  'theory.filters': fixed(
    (value, { theory }) =>
      theory?.features === 'random-conv'
        ? `${(value as number).toLocaleString('en-US')} filters`
        : null,
    ({ filters }) => [filters],
    'section 5: 32,000 random filters',
  ),
  'theory.bandwidths': open(
    (value) => `bandwidths ${shown(value)}`,
    () => [[0.25, 0.5, 1, 2]],
    'the paper does not say',
  ),
  'theory.ridge': open(
    (value) => (value === 0 ? null : `λ = ${value}`),
    null,
    'the paper does not say',
  ),
  'theory.depth': FREE,
  'theory.directions': FREE,
  'theory.draws': FREE,
  'theory.delta': FREE,
  'theory.steps': FREE,
};
