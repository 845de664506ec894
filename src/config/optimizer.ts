import { z } from 'zod';
import { refuseOthers } from './problems.js';
import { fraction, optional, positive } from './values.js';

/** Keys of `train.optimizer` beside its name. */
interface OptimizerKeys {
  nesterov: boolean;
  beta1: number;
  beta2: number;
  epsilon: number;
}

interface OptimizerRow {
  /** The keys that it has, with their defaults; those of others are refused. */
  keys: Partial<OptimizerKeys>;
  /** Default of `train.learningRate`; `null`: that of the model. */
  learningRate: number | null;
  label: string;
}

/** As Kingma & Ba 2015 have it. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** One row for each optimizer; `OPTIMIZERS` in `train/optimizers.ts` has its steps. */
const ROWS = {
  sgd: { keys: { nesterov: false }, learningRate: null, label: 'SGD' },
  adam: { keys: ADAM, learningRate: 1e-3, label: 'Adam' },
  adamw: { keys: ADAM, learningRate: 1e-3, label: 'AdamW' },
} satisfies Record<string, OptimizerRow>;

export type OptimizerName = keyof typeof ROWS;
const OPTIMIZER_ROWS: Record<OptimizerName, OptimizerRow> = ROWS;
export const OPTIMIZER_NAMES = Object.keys(ROWS) as OptimizerName[];

/** `train.optimizer` as a person writes it. */
export const optimizerSchema = z
  .strictObject({
    name: z
      .enum(OPTIMIZER_NAMES)
      .default('sgd')
      .describe(
        'sgd: with train.momentum; adam: Kingma & Ba 2015; adamw: weight decay apart from the gradient (Loshchilov & Hutter 2019).',
      ),
    nesterov: optional(
      z.boolean(),
      "sgd: Nesterov's momentum (Sutskever 2013) instead of the heavy ball; default false.",
    ),
    beta1: optional(fraction.lt(1), `adam, adamw: decay of the mean; default ${ADAM.beta1}.`),
    beta2: optional(
      fraction.lt(1),
      `adam, adamw: decay of the mean of squares; default ${ADAM.beta2}.`,
    ),
    epsilon: optional(positive, `adam, adamw: added to the root; default ${ADAM.epsilon}.`),
  })
  .prefault({})
  .describe('How parameters follow their gradients.');

/** `train.optimizer` of a resolved config; absent for SGD with heavy-ball momentum, which the paper has. */
export type OptimizerConfig = { name: OptimizerName } & Partial<OptimizerKeys>;

/**
 * Fills in the defaults of an optimizer. Nothing for the paper's, so that the configs (and hashes) of runs with it know
 * nothing of others.
 *
 * @throws KeyError (`usage`) for a key of another optimizer, which would do nothing.
 */
export function resolveOptimizer({ name, ...keys }: z.output<typeof optimizerSchema>): {
  optimizer?: OptimizerConfig;
} {
  const row = OPTIMIZER_ROWS[name];
  const given = Object.entries(keys).filter(([, value]) => value !== undefined);
  const written = given.map(([key]) => key);
  refuseOthers('train.optimizer', name, written, {
    names: OPTIMIZER_NAMES,
    keysOf: (each) => OPTIMIZER_ROWS[each].keys,
  });
  const optimizer: OptimizerConfig = { name, ...row.keys, ...Object.fromEntries(given) };
  return name === 'sgd' && !optimizer.nesterov ? {} : { optimizer };
}

/** The learning rate that an optimizer has by default; `null`: that of the model. */
export function ownLearningRate(name: OptimizerName): number | null {
  return OPTIMIZER_ROWS[name].learningRate;
}

/** `SGD, Nesterov`, `AdamW` …; empty for the paper's. */
export function optimizerLabel(optimizer: OptimizerConfig | undefined): string {
  if (optimizer === undefined) return '';
  const { label } = OPTIMIZER_ROWS[optimizer.name];
  return optimizer.nesterov ? `${label}, Nesterov` : label;
}
