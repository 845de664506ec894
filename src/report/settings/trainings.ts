import { hasModelKey, MODELS } from '../../config/models.js';
import type { Config } from '../../config/resolve.js';
import { type PaperTraining, SETTINGS, SIZES } from '../../paper.js';
import { COMMON, NO_THEORY, TRAINING } from './common.js';
import { CELL, fixed, open, type Rules, shown } from './rules.js';

const has = (cell: PaperTraining, part: string) => cell.regularizers.split(' + ').includes(part);
const isFull = (cell: PaperTraining) => cell.regularizers === 'full augmentation';

const NOT_IN = 'no regularizer of the paper on CIFAR-10';
const unless = (name: string, plain: readonly unknown[]) => (value: unknown) =>
  plain.includes(value) ? null : `${name} ${shown(value)}`;
const noSuch = (name: string) => fixed<PaperTraining>(name, () => [undefined, 0], NOT_IN);

/** Tables 1 and 4: CIFAR-10. */
export const TRAINING_RULES: Rules<PaperTraining> = {
  ...COMMON,
  ...NO_THEORY,
  ...TRAINING,
  'data.name': CELL,
  'data.size': fixed(unless('size', [undefined]), () => [undefined], 'section 3: 32×32 images'),
  'data.crop': fixed('crop', () => [undefined, 28], 'appendix A: center crop to 28×28'),
  'data.split': fixed(
    unless('a split of one half', [undefined]),
    () => [undefined],
    'section 3: the whole training set',
  ),
  'model.lrn': open(
    (value, { model }) =>
      hasModelKey(model.name, 'lrn') ? `local response normalization ${shown(value)}` : null,
    () => [MODELS.alexnet.keys.lrn],
    'the paper names the layer alone',
  ),
  'regularization.weightDecay': open(
    unless('weight decay', [0]),
    (cell) => {
      if (!has(cell, 'wd')) return [0];
      return cell.network.startsWith('mlp') ? [5e-4, 1e-4] : [5e-4];
    },
    '"the default coefficient for each model", Table 4; others have chosen these',
  ),
  'regularization.dropout': fixed('dropout', () => [0], NOT_IN),
  'regularization.augment.crop': open(
    (value, config) =>
      isTurned(config) ? `augmentation ${value ? 'with' : 'without'} crop` : null,
    (cell) => (isFull(cell) ? [true, false] : [has(cell, 'crop')]),
    'Table 4: whether its augmentation has the crop, too, can be read either way',
  ),
  'regularization.augment.flip': fixed('flip', (cell) => [isFull(cell)], 'Table 4'),
  'regularization.augment.rotation': fixed(
    (value) => `rotation up to ${value}°`,
    (cell) => [isFull(cell) ? 25 : 0],
    'Table 4: rotations up to 25 degrees',
  ),
  'regularization.augment.resizedCrop': noSuch('resized crop'),
  'regularization.augment.brightness': noSuch('brightness'),
  'regularization.augment.contrast': noSuch('contrast'),
  'regularization.augment.saturation': noSuch('saturation'),
  'regularization.augment.hue': noSuch('hue'),
  'train.learningRate': fixed(
    'learning rate',
    (_, { model }) => [SETTINGS.learningRate[model.name]],
    'appendix A: 0.1 for the Inceptions, 0.01 for AlexNet and the MLPs',
  ),
  'train.decay': fixed(
    'decay',
    ({ decay = SETTINGS.decay }) => [decay],
    'appendix A: 0.95 an epoch; Table 4: 0.999 with augmentation',
  ),
  'train.decayEvery': fixed(
    (value) => `decay every ${shown(value)} steps`,
    (_, { train }) => [undefined, Math.floor(SIZES.cifar10.train / train.batchSize)],
    'appendix A: every epoch',
  ),
  'train.momentum': fixed('momentum', () => [SETTINGS.momentum], 'appendix A'),
};

function isTurned({ regularization: { augment } }: Config): boolean {
  return augment.flip || augment.rotation > 0;
}
