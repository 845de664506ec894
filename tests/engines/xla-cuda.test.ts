import { describe, expect, it } from 'vitest';
import { checkPrograms } from '../../src/bench/check.js';
import { makeTrainee } from '../../src/bench/workload.js';
import { PRECISIONS, type Precision } from '../../src/config/engines.js';
import { MODEL_NAMES, type ModelName } from '../../src/config/models.js';
import { xla } from '../../src/engines/xla/entry.js';
import { installXla } from '../../src/engines/xla/install.js';
import { findPlugins } from '../../src/engines/xla/plugin.js';
import { messageOf } from '../../src/errors.js';
import { sizeOf } from '../../src/shape.js';
import { lossOf } from '../../src/train/losses.js';
import { makeCase } from './fixture.js';

const checker = xla.check!;
/** All models, precisions and targets: minutes, and 2.5 GB if they aren't there yet. */
const ALL = Boolean(process.env.RETHINK_GEN_TEST_CUDA);

/**
 * Kernels of a training step on an H200, batch 128, at most: JAX 0.12.0.1's (scripts/bench/jax_step.py, compiled by the same
 * XLA). The MLP in float32 has one more, as JAX's step neither counts hits nor looks whether it is finite.
 */
const MOST_KERNELS: Partial<Record<ModelName, Record<Precision, number>>> = {
  mlp: { float32: 25, bfloat16: 27 },
  alexnet: { float32: 58, bfloat16: 66 },
  inception: { float32: 300, bfloat16: 300 },
};

async function whyNot(): Promise<string | undefined> {
  try {
    if ((await findPlugins()).some(({ platform }) => platform === 'cuda')) return undefined;
    if (!ALL) return 'no CUDA plugin, and npm run test:cuda was not asked for';
    await installXla({ variant: 'cuda13' }, {});
    return undefined;
  } catch (error) {
    return `no CUDA plugin: ${messageOf(error)}`;
  }
}

const reason = await whyNot();
const title = `compiling for a GPU that is not here${reason === undefined ? '' : ` (skipped, ${reason})`}`;

describe.skipIf(reason !== undefined)(title, { timeout: 1_800_000 }, () => {
  const targets = ALL ? checker.targets : ['h200'];
  const cases = (ALL ? MODEL_NAMES : (['mlp'] as const)).flatMap((model) =>
    (ALL ? PRECISIONS : (['float32'] as const)).flatMap((precision) =>
      targets.map((target) => ({ model, precision, target })),
    ),
  );

  it.each(cases)('$model in $precision for $target', async ({ model, precision, target }) => {
    const plan = { targets: [target], models: [model], precisions: [precision] };
    const parts: string[] = [];
    for await (const outcome of checkPrograms(checker, {
      ...plan,
      devices: 1,
      deterministic: false,
      batchSize: 128,
    })) {
      if ('problem' in outcome) throw outcome.problem;
      const { memory, donated, cost } = outcome.compiled;
      parts.push(outcome.part);
      expect(donated).toBe(outcome.part === 'train' ? true : null);
      expect(cost!.kernels).toBeGreaterThan(5);
      if (outcome.part === 'train' && target === 'h200') {
        const { [model]: kernels } = MOST_KERNELS;
        expect(cost!.kernels).toBeLessThanOrEqual(kernels?.[precision] ?? Number.POSITIVE_INFINITY);
      }
      expect(cost!.reductions).toBeLessThan(cost!.kernels);
      // Without TF32, XLA has an A100's float32 convolutions in NCHW, and turns what comes in and goes out.
      const turned = target === 'a100' && precision === 'float32';
      if (!turned) expect(cost!.activationTransposes).toBe(0);
      // The images of every step lie there; a step reads its own.
      expect(memory!.arguments).toBeGreaterThan(128 * 28 * 28 * 3);
      expect(cost!.bytesMoved).toBeGreaterThan(128 * 28 * 28 * 3);
    }
    expect(parts).toEqual(['train', 'evaluate']);
  });

  const elr = lossOf({ name: 'elr', lambda: 3, beta: 0.7 }, null);
  it.each([
    ['mixup', { mixup: true }, 1],
    ['elr', { loss: elr, examples: 50_000 }, 1],
    ['mixup', { mixup: true }, 4],
    ['elr', { loss: elr, examples: 50_000 }, 4],
  ])('a step with %s, %j, on %i devices', async (_, how, devices) => {
    const shapes = { imageShape: [28, 28, 3] as [number, number, number], classes: 10 };
    const { program } = makeCase({ name: 'mlp' }, { ...shapes, batchSize: 128, ...how });
    const settings = { plugin: undefined, deterministic: false, devices };
    for (const precision of ALL ? PRECISIONS : (['float32'] as const)) {
      const compiler = await checker.open({ ...settings, target: 'h200', precision });
      const { donated, cost } = await compiler.compile(program, 'train');
      compiler.close();
      expect(donated).toBe(true);
      // Beside a plain step's: the rows that are taken and given back, or the mixtures.
      const most = MOST_KERNELS.mlp![precision] + 8;
      if (devices === 1) expect(cost!.kernels).toBeLessThanOrEqual(most);
      else expect(cost!.exchanges).toBeLessThanOrEqual(4);
    }
  });

  it('shares a batch among several, with the gradient in one exchange', async () => {
    const plan = { targets: ['h200'], models: ['mlp'] as const, precisions: ['float32'] as const };
    const how = { ...plan, devices: 4, deterministic: false, batchSize: 128 };
    for await (const outcome of checkPrograms(checker, how)) {
      if ('problem' in outcome) throw outcome.problem;
      const { cost, donated } = outcome.compiled;
      expect(donated).toBe(outcome.part === 'train' ? true : null);
      if (outcome.part !== 'train') continue;
      // The gradient, the loss and what was right.
      expect(cost!.exchanges).toBeLessThanOrEqual(3);
      const { program } = makeTrainee('mlp', 128, 1000);
      const parameters = program.state.filter(({ name }) => name.startsWith('param/'));
      const gradient = parameters.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
      expect(cost!.bytesExchanged).toBeGreaterThanOrEqual(gradient);
      expect(cost!.bytesExchanged).toBeLessThan(1.01 * gradient);
    }
  });
});
