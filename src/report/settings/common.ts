import { REPEATED } from '../../config/hash.js';
import { hasModelKey } from '../../config/models.js';
import type { Config } from '../../config/resolve.js';
import type { TheoryConfig } from '../../config/theory.js';
import type { ConfigKey } from './keys.js';
import { FREE, fixed, open, type Rule, type Rules, reduced, shown } from './rules.js';

const everywhere = <K extends ConfigKey>(keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, FREE])) as Record<K, { is: 'free' }>;

/** Of an experiment that no number of the paper comes from, and of its networks. */
const PART = fixed<unknown>(
  (value) => (value === undefined ? null : 'a random part of the training set'),
  () => [undefined],
  'the paper trains on the whole training set',
);

/** What is the same for every number of the paper. */
export const COMMON = {
  ...everywhere(REPEATED),
  ...everywhere(['engine.name', 'data.stream']),
  // How many images were used, of how many, stands in the result.
  ...everywhere(['data.limit', 'data.testLimit', 'data.subset']),
  'memorization.fraction': PART,
  ...everywhere(['memorization.members', 'memorization.memorized', 'memorization.influence']),
} satisfies Partial<Rules<unknown>>;

type TheoryKey = `theory.${keyof TheoryConfig}`;

/** Keys of experiments of the theory, in a config of another experiment. */
export const NO_THEORY: Record<TheoryKey, Rule<unknown>> = everywhere([
  'theory.depth',
  'theory.directions',
  'theory.features',
  'theory.filters',
  'theory.bandwidths',
  'theory.ridge',
  'theory.draws',
  'theory.delta',
  'theory.steps',
]);

const normalizes = ({ model }: Config) => hasModelKey(model.name, 'batchNorm') && model.batchNorm;
const ofBatchNorm = (name: string) => (value: unknown, config: Config) =>
  normalizes(config) ? `${name} ${shown(value)}` : null;

const absent = (name: string, source: string) =>
  fixed<unknown>(
    (value) => (value === undefined ? null : `${name} ${shown(value)}`),
    () => [undefined],
    source,
  );
const noNetworkHas = (key: string) => absent(key, 'no network of the paper has it');
/** A resolved config leaves out the paper's own. */
const notThePapers = (what: string) =>
  absent(what, 'appendix A: SGD with momentum, a learning rate that decays by steps');

const PEERS = 'chosen by other reproductions as well';
const NOT_SAID = 'the paper does not say';

/** What both kinds of trainings of the paper, on CIFAR-10 and on ImageNet, have in common. */
export const TRAINING = {
  experiment: { is: 'cell' },
  corruption: { is: 'cell' },
  loss: { is: 'cell' },
  'model.name': { is: 'cell' },
  'model.hidden': { is: 'cell' },
  'model.batchNorm': { is: 'cell' },
  'model.batchNormDecay': open(ofBatchNorm('BatchNorm decay'), () => [0.9], NOT_SAID),
  'model.batchNormEpsilon': open(ofBatchNorm('BatchNorm ε'), () => [1e-3], NOT_SAID),
  'model.width': noNetworkHas('width'),
  'model.depth': noNetworkHas('depth'),
  'model.widen': noNetworkHas('widen'),
  'regularization.mixup': absent('mixup α', 'later than the paper'),
  'train.optimizer': notThePapers('optimizer'),
  'train.schedule': notThePapers('schedule'),
  'train.initGain': open(
    (value) => (value === undefined ? null : `gain of the initial weights ${shown(value)}`),
    () => [undefined],
    NOT_SAID,
  ),
  'train.batchSize': open('batch', () => [128], PEERS),
  // How long a training really was, and why it ended, is judged with what it reached.
  'train.epochs': FREE,
  'train.stop': FREE,
  'train.evaluateEvery': FREE,
  'engine.precision': reduced('precision', 'float32', 'the paper trained in float32'),
} satisfies Partial<Rules<unknown>>;
