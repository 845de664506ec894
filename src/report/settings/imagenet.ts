import { type PaperImageNet, SIZES } from '../../paper.js';
import { COMMON, NO_THEORY, TRAINING } from './common.js';
import { CELL, FREE, fixed, open, type Rule, type Rules, shown } from './rules.js';

const OURS =
  'the paper does not say; of the published code of the network, or of configs/paper/table2.yaml';
const COLORS =
  'the paper: brightness, contrast, saturation and hue are changed, it does not say how much';

/** A strength that is above 0 where the paper augments. @param usual Of the published code of the network. */
const color = (name: string, usual: number): Rule<PaperImageNet> => ({
  is: 'fixed',
  holds: (value = 0, { augment }) => augment === (value as number) > 0,
  tell: (value = 0) => `${name} ${Number((value as number).toFixed(3))}`,
  source: `${COLORS}; usually ${usual}`,
});

/** Table 2: Inception V3. That the paper's trainings were asynchronous, on 50 workers, is told below the table. */
export const IMAGENET_RULES: Rules<PaperImageNet> = {
  ...COMMON,
  ...NO_THEORY,
  ...TRAINING,
  'data.name': CELL,
  'data.size': FREE,
  'data.crop': fixed(
    (value, { data }) => {
      const side = value ?? data.size;
      return side === undefined ? 'images of unknown size' : `${side}×${side} pixels`;
    },
    (_, { data }) => (data.crop === undefined && data.size === 299 ? [undefined] : [299]),
    'section 3: 299×299',
  ),
  'data.split': fixed(
    (value) => (value === undefined ? null : 'a split of one half'),
    () => [undefined],
    'section 3: the whole training set',
  ),
  'model.lrn': FREE,
  'regularization.weightDecay': open(
    (value) => (value === 0 ? null : `weight decay ${shown(value)}`),
    ({ weightDecay }) => [weightDecay ? 4e-5 : 0],
    OURS,
  ),
  'regularization.dropout': open(
    (value) => (value === 0 ? null : `dropout ${shown(value)}`),
    ({ dropout }) => [dropout ? 0.2 : 0],
    OURS,
  ),
  // One of the two crops makes the paper's random crop: judged with the other.
  'regularization.augment.crop': FREE,
  'regularization.augment.resizedCrop': {
    is: 'fixed',
    holds: (value = 0, { augment }, { regularization }) =>
      augment === (regularization.augment.crop || (value as number) > 0),
    tell: (value = 0, { regularization }) =>
      regularization.augment.crop || (value as number) > 0 ? 'random crop' : 'no random crop',
    source: 'section 3: random cropping',
  },
  'regularization.augment.flip': FREE,
  'regularization.augment.rotation': fixed(
    (value) => `rotation up to ${value}°`,
    () => [0],
    'section 3 names no rotation',
  ),
  'regularization.augment.brightness': color('brightness', 32 / 255),
  'regularization.augment.contrast': color('contrast', 0.5),
  'regularization.augment.saturation': color('saturation', 0.5),
  'regularization.augment.hue': color('hue', 0.2),
  'train.learningRate': open('learning rate', () => [0.1], OURS),
  'train.decay': open('decay', () => [0.95], OURS),
  'train.decayEvery': open(
    (value) => `decay every ${value === undefined ? 'epoch' : `${shown(value)} steps`}`,
    (_, { train }) => [undefined, Math.floor(SIZES.imagenet.train / train.batchSize)],
    OURS,
  ),
  'train.momentum': open('momentum', () => [0.9], OURS),
};
