import '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { createEagerSession } from '../../src/engines/eager/eager.js';
import { createEngine } from '../../src/engines/index.js';
import { createCompiledSession } from '../../src/engines/tensorflow/compiled.js';
import type { Engine, Session } from '../../src/engines/types.js';
import { createXlaEngine } from '../../src/engines/xla/index.js';
import { lossOf } from '../../src/train/losses.js';
import type { TrainingLoss } from '../../src/train/types.js';
import { EAGER, ensureTensorflow, noBfloat16 } from '../helpers/engine.js';
import { EVERY_MODEL, usual } from '../helpers/models.js';
import { expectSpoiledStepsChangeNothing, spoilable } from './spoiled.js';
import { cpuPlugin } from './xla-plugin.js';

/** Models, and of which gradients one is spoiled where a step takes its time: of dozens alike, every seventh. */
const MODELS: [model: Record<string, unknown>, every: number, loss?: TrainingLoss][] = [
  // Large enough to be cut into parts.
  [{ name: 'mlp', hidden: [301, 300] }, 1],
  // What a loss remembers is state as well.
  [{ name: 'mlp', hidden: [8] }, 1, lossOf({ name: 'elr', lambda: 3, beta: 0.7 }, null)],
  [{ name: 'alexnet' }, 1],
  [{ name: 'inception' }, 7],
  [{ name: 'resnet18', width: 4 }, 7],
];
/** What differs in how it is looked at. */
const USUAL = usual(MODELS, 4);
/** XLA takes long to compile what is deep. */
const SHALLOW = usual(MODELS, 3);
const PRECISIONS = ['float32', 'bfloat16'] as const;

const { engine: tensorflow, skipped } = await ensureTensorflow();
const { plugin, reason } = await cpuPlugin();

describe('a step with one gradient that is not finite changes nothing', {
  timeout: 480_000,
}, () => {
  const open: { dispose(): void }[] = [];
  afterEach(() => {
    for (const each of open.splice(0).reverse()) each.dispose();
  });
  const opened = <T extends Session | Engine>(each: T): T => {
    open.push(each);
    return each;
  };

  describe.skipIf(!tensorflow)(`tensorflow${skipped}`, () => {
    it.each(USUAL)('op by op: %j', async (model, every, loss) => {
      const c = spoilable(model, loss);
      const session = opened(await createEagerSession('tensorflow', c.program, c.state));
      await expectSpoiledStepsChangeNothing(session, c, every);
    });

    describe.each(PRECISIONS)('compiled, %s', (precision) => {
      it.skipIf(precision === 'bfloat16' && noBfloat16 !== '').each(USUAL)(
        '%j',
        async (model, _, loss) => {
          for (const ownOps of EVERY_MODEL ? [true, false] : [true]) {
            const c = spoilable(model, loss);
            const options = { precision, parts: 2, ownOps };
            const session = opened(await createCompiledSession(c.program, c.state, options));
            await expectSpoiledStepsChangeNothing(session, c);
          }
        },
      );
    });
  });

  it('wasm', async () => {
    const engine = opened(await createEngine({ ...EAGER, name: 'wasm' }));
    for (const [model, every, loss] of SHALLOW) {
      const c = spoilable(model, loss);
      await expectSpoiledStepsChangeNothing(
        opened(await engine.load(c.program, c.state)),
        c,
        every,
      );
    }
  });

  describe.skipIf(!plugin)(`xla${reason}`, () => {
    it.each(PRECISIONS)('%s', async (precision) => {
      process.env.RETHINK_GEN_PJRT_PLUGIN = plugin!.path;
      const options = { ...EAGER, name: 'xla', eager: false, precision } as const;
      const engine = opened(await createXlaEngine(options, {}));
      for (const [model, , loss] of SHALLOW) {
        const c = spoilable(model, loss);
        await expectSpoiledStepsChangeNothing(opened(await engine.load(c.program, c.state)), c);
      }
      expect(engine.info.precision).toBe(precision);
    });
  });
});
