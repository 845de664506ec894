import { isRecolored } from '../batches/augment/color.js';
import { CORRUPTIONS, type CorruptionConfig, effective, labelOf } from '../config/corruptions.js';
import { robustLossLabel } from '../config/loss.js';
import { MODELS } from '../config/models.js';
import type { Config } from '../config/resolve.js';
import type { Network, Regularizers } from '../paper.js';

/** Names for what a config does, decided from its keys alone: a run's own name says nothing here. */

const TRUE_LABELS = 'true labels';

/** The data sets of Figure 1a, in its order. */
export const PAPER_CORRUPTIONS = [
  TRUE_LABELS,
  ...Object.values(CORRUPTIONS)
    .filter(({ figures }) => figures.includes('1a'))
    .map(({ label }) => label),
];

/**
 * `true labels`, `random labels`, `partially corrupted labels, p = 0.5`, `shuffled pixels + random labels` …
 *
 * @param place Legends have little room; their captions say what p is.
 */
export function corruptionLabel(
  corruption: readonly CorruptionConfig[],
  place: 'text' | 'legend' = 'text',
): string {
  const active = effective(corruption);
  if (active.length === 0) return TRUE_LABELS;
  return active.map((each) => labelOf(each, place)).join(' + ');
}

export const NETWORKS: Record<Network, string> = {
  inception: 'Inception',
  'inception-no-bn': 'Inception w/o BatchNorm',
  alexnet: 'AlexNet',
  'mlp-3x512': 'MLP 3×512',
  'mlp-1x512': 'MLP 1×512',
};

/** `MLP 3×512`, `Inception w/o BatchNorm` … */
export function modelLabel(model: Config['model']): string {
  return MODELS[model.name].label(model);
}

/** The network of the paper that a config's model is, told by its label; `null` for others. */
export function paperNetwork(model: Config['model']): Network | null {
  const label = modelLabel(model);
  const networks = Object.keys(NETWORKS) as Network[];
  return networks.find((network) => NETWORKS[network] === label) ?? null;
}

/** Whether a model is the paper's small Inception, with BatchNorm or without. */
export function isSmallInception(model: Config['model']): boolean {
  const network = paperNetwork(model);
  return network === 'inception' || network === 'inception-no-bn';
}

/** Position of a model among the paper's networks, others last. */
export function modelRank(model: Config['model']): number {
  const network = paperNetwork(model);
  const all = Object.keys(NETWORKS);
  return network === null ? all.length : all.indexOf(network);
}

/** What a config does against overfitting as the paper's tables name it; `null` for what they do not have. */
export function paperRegularizers(config: Config['regularization']): Regularizers | null {
  const { weightDecay, dropout, augment, mixup } = config;
  if (dropout > 0 || mixup || augment.resizedCrop || isRecolored(augment)) return null;
  // With the random crop or without: the paper's augmentation can be read either way.
  const full = augment.flip && augment.rotation > 0;
  if (full) return weightDecay > 0 ? null : 'full augmentation';
  if (augment.flip || augment.rotation > 0) return null;
  if (augment.crop) return weightDecay > 0 ? 'crop + wd' : 'crop';
  return weightDecay > 0 ? 'wd' : 'none';
}

/** `plain loss`, `forward-corrected loss, T known` … */
export function lossLabel(loss: Config['loss']): string {
  if (loss === undefined) return 'plain loss';
  if ('name' in loss) return robustLossLabel(loss);
  const { correction, transition } = loss;
  return `${correction}-corrected loss, T ${transition === 'file' ? 'from a file' : transition}`;
}

/** `no regularizer`, `weight decay 0.0005 + random crop` … */
export function regularizerLabel(config: Config['regularization']) {
  const { weightDecay, dropout, augment, mixup } = config;
  const resized = (augment.resizedCrop ?? 0) > 0;
  // What the paper calls augmentation on ImageNet; legends have no room for its parts.
  const all = resized && augment.flip && isRecolored(augment);
  const parts = [
    all && 'augmentation',
    augment.crop && 'random crop',
    !all && resized && 'resized crop',
    !all && augment.flip && 'flip',
    augment.rotation > 0 && `rotation up to ${augment.rotation}°`,
    !all && isRecolored(augment) && 'changed colors',
    mixup !== undefined && `mixup ${mixup}`,
    dropout > 0 && `dropout ${dropout}`,
    weightDecay > 0 && `weight decay ${weightDecay}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'no regularizer' : parts.join(' + ');
}
