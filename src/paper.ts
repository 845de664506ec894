/**
 * The numbers of Zhang et al. 2017 (arXiv 1611.03530) as data, in percent. Those marked `unconfirmed` come from memory:
 * tables show them with a †.
 */

/** A published number, in percent (a norm as it is). */
export interface PaperNumber {
  value: number;
  unconfirmed?: true;
}

export type Network = 'inception' | 'inception-no-bn' | 'alexnet' | 'mlp-3x512' | 'mlp-1x512';

/** What was done against overfitting, as the columns of the tables name it. */
export type Regularizers = 'none' | 'wd' | 'crop' | 'crop + wd' | 'full augmentation';

export interface PaperTraining {
  network: Network;
  regularizers: Regularizers;
  labels: 'true' | 'random';
  /** `null`: fails to converge, which is a result. */
  train: PaperNumber | null;
  test?: PaperNumber;
  /** Learning-rate decay an epoch where it is not 0.95. */
  decay?: number;
}

const of = (value: number): PaperNumber => ({ value });
const memory = (value: number): PaperNumber => ({ value, unconfirmed: true });

type Table1Cell = [Regularizers, PaperTraining['labels'], train: number, test: number];

function table1(network: Network, cells: Table1Cell[]): PaperTraining[] {
  return cells.map(([regularizers, labels, train, test]) => ({
    network,
    regularizers,
    labels,
    train: of(train),
    test: of(test),
  }));
}

/** Table 1: CIFAR-10. */
export const TABLE_1: PaperTraining[] = [
  ...table1('inception', [
    ['crop + wd', 'true', 100, 89.05],
    ['crop', 'true', 100, 89.31],
    ['wd', 'true', 100, 86.03],
    ['none', 'true', 100, 85.75],
    ['none', 'random', 100, 9.78],
  ]),
  ...table1('inception-no-bn', [
    ['wd', 'true', 100, 83],
    ['none', 'true', 100, 82],
    ['none', 'random', 100, 10.12],
  ]),
  ...table1('alexnet', [
    ['crop + wd', 'true', 99.9, 81.22],
    ['crop', 'true', 99.82, 79.66],
    ['wd', 'true', 100, 77.36],
    ['none', 'true', 100, 76.07],
    ['none', 'random', 99.82, 9.86],
  ]),
  ...table1('mlp-3x512', [
    ['wd', 'true', 100, 53.35],
    ['none', 'true', 100, 52.39],
    ['none', 'random', 100, 10.48],
  ]),
  ...table1('mlp-1x512', [
    ['wd', 'true', 99.8, 50.39],
    ['none', 'true', 100, 50.51],
    ['none', 'random', 99.34, 10.61],
  ]),
];

/** Table 4: random labels with each regularizer, training accuracy alone. */
export const TABLE_4: PaperTraining[] = [
  { network: 'inception', regularizers: 'wd', labels: 'random', train: of(100) },
  { network: 'alexnet', regularizers: 'wd', labels: 'random', train: null },
  { network: 'mlp-3x512', regularizers: 'wd', labels: 'random', train: of(100) },
  { network: 'mlp-1x512', regularizers: 'wd', labels: 'random', train: of(99.21) },
  { network: 'inception', regularizers: 'crop', labels: 'random', train: of(99.93), decay: 0.999 },
  {
    network: 'inception',
    regularizers: 'full augmentation',
    labels: 'random',
    train: of(99.28),
    decay: 0.999,
  },
];

export interface PaperImageNet {
  labels: 'true' | 'random';
  augment: boolean;
  dropout: boolean;
  weightDecay: boolean;
  /** Top 1 and top 5. */
  train: [PaperNumber, PaperNumber];
  test: [PaperNumber, PaperNumber];
  /** Best on the way, as early stopping would have it. */
  best?: [PaperNumber, PaperNumber];
}

const YES = true;
const NO = false;

/** Table 2: ImageNet, Inception V3. */
export const TABLE_2: PaperImageNet[] = [
  imageNet('true', [YES, YES, YES], [of(92.18), memory(99.21)], [of(77.84), of(93.92)]),
  imageNet('true', [YES, NO, NO], [of(92.33), memory(99.17)], [of(72.95), of(90.43)]),
  {
    ...imageNet('true', [NO, NO, YES], [of(90.6), memory(100)], [of(67.18), of(86.44)]),
    best: [of(72.57), memory(91.31)],
  },
  {
    ...imageNet('true', [NO, NO, NO], [of(99.53), memory(100)], [of(59.8), of(80.38)]),
    best: [of(63.16), memory(84.49)],
  },
  imageNet('random', [NO, YES, YES], [memory(91.18), memory(97.95)], [memory(0.09), memory(0.49)]),
  imageNet('random', [NO, NO, YES], [memory(87.81), memory(96.15)], [memory(0.12), memory(0.5)]),
  imageNet('random', [NO, NO, NO], [of(95.2), memory(99.14)], [memory(0.11), memory(0.56)]),
];

function imageNet(
  labels: PaperImageNet['labels'],
  [augment, dropout, weightDecay]: [boolean, boolean, boolean],
  train: PaperImageNet['train'],
  test: PaperImageNet['test'],
): PaperImageNet {
  return { labels, augment, dropout, weightDecay, train, test };
}

export interface PaperKernel {
  data: 'mnist' | 'cifar10';
  features: 'pixels' | 'gabor' | 'random-conv';
  ridge: boolean;
  /** Test error. */
  error: PaperNumber;
  /** No number is published, but that ℓ2 doesn't improve on this one. */
  noBetter?: true;
  /** About; of the solution, as the paper's text gives it. */
  norm?: number;
  filters?: number;
}

/** Table 3: minimum-norm kernel solutions. */
export const TABLE_3: PaperKernel[] = [
  { data: 'mnist', features: 'pixels', ridge: false, error: of(1.2), norm: 220 },
  { data: 'mnist', features: 'pixels', ridge: true, error: of(1.2), noBetter: true },
  { data: 'mnist', features: 'gabor', ridge: false, error: of(0.6), norm: 390 },
  { data: 'mnist', features: 'gabor', ridge: true, error: of(0.6), noBetter: true },
  { data: 'cifar10', features: 'pixels', ridge: false, error: of(46) },
  { data: 'cifar10', features: 'random-conv', ridge: false, error: of(17), filters: 32_000 },
  { data: 'cifar10', features: 'random-conv', ridge: true, error: of(15), filters: 32_000 },
];

/** Points of accuracy within which a number is the paper's. */
export const TOLERANCE = 1.5;

/**
 * Points within which a number is the paper's: half of it at most, or an error of 2 % would be as good as one of 0.6 %, and 16
 * times chance would be chance.
 *
 * @param value The published number, in percent.
 */
export function toleranceOf(value: number): number {
  return Math.min(TOLERANCE, value / 2);
}

/** The axis of Figure 1a, 25,000 steps, in epochs of 390: the shortest budget that is the paper's. */
export const LEAST_EPOCHS = 64;

/** Images of the whole data sets. */
export const SIZES = {
  cifar10: { train: 50_000, test: 10_000 },
  mnist: { train: 60_000, test: 10_000 },
  imagenet: { train: 1_281_167, test: 50_000 },
};

/** Times as long as for true labels that fitting takes at most, however many labels are corrupted (Figure 1b: 3 to 4). */
export const MOST_TIMES_AS_LONG = 4;

/** What BatchNorm adds to the test accuracy, in points (section 4.2). */
export const BATCH_NORM_GAIN = { least: 3, most: 4 };

/** Top-5 test accuracy of the winner of ILSVRC 2012, which Table 2's unregularized 80.38 stands beside. */
export const ILSVRC_2012_WINNER = 83.6;

/**
 * Figure 1b's time to fit: the first evaluation with this training accuracy. A training that never had it did not converge.
 */
export const FITTED_ACCURACY = 0.95;

/**
 * Training accuracy at the end from which a training set counts as known by heart, so that its test accuracy says what that
 * is worth: the least that Tables 1 and 4 give as fitted is 99.21 %.
 */
export const MEMORIZED_ACCURACY = 0.99;

/** Standard deviations of a guesser's accuracy within which a test accuracy is called chance. */
const CHANCE_SIGMAS = 4;

/**
 * Whether a test accuracy is what guessing gives.
 *
 * @param images Test images, over all runs that the accuracy is the mean of.
 */
export function byChance(accuracy: number, classes: number, images: number): boolean {
  const guess = 1 / classes;
  return Math.abs(accuracy - guess) <= CHANCE_SIGMAS * Math.sqrt((guess * (1 - guess)) / images);
}

/** Theorem 1: weights of a network of depth 2 that fits any labels of n points in d dimensions. */
export const THEOREM_1 = { weights: (n: number, d: number) => 2 * n + d };

/** The axes of the paper's Figure 1a, in steps and in loss. */
export const FIGURE_1A = { steps: 25_000, loss: 2.5 };

/** Settings of the trainings on CIFAR-10 (appendix A). */
export const SETTINGS = {
  momentum: 0.9,
  decay: 0.95,
  learningRate: { inception: 0.1, alexnet: 0.01, mlp: 0.01 } as Record<string, number>,
};
