import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import type { HostState, Session, TrainChunk } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import type { Model, Parameters } from '../../src/models/types.js';
import { initialState } from '../../src/train/init.js';
import { makeProgram } from '../../src/train/program.js';
import type { TrainingLoss } from '../../src/train/types.js';
import { type Case, sameBits, trainChunk } from './fixture.js';

/** Name of a mask that says which gradients are spoiled: one column for each parameter. */
const SPOILT = 'spoilt';

const BATCH = 2;

/** What a row of the mask makes of the last element of a parameter's gradient. */
const SPOILERS = [Number.POSITIVE_INFINITY, Number.NaN];

/** A program in which one element of any one gradient can be made infinite or NaN while the loss stays finite. */
export function spoilable(
  model: Record<string, unknown>,
  loss?: TrainingLoss,
): Case & { parameters: number } {
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  const imageShape: [number, number, number] = [6, 6, 3];
  const options = { config: config.model, inputShape: imageShape, classes: 3, dropout: 0 };
  const network = buildModel(options);
  const program = makeProgram({
    model: withSpoiledGradients(network),
    batchSize: BATCH,
    evalBatchSize: BATCH,
    momentum: 0.9,
    weightDecay: 1e-3,
    dropout: 0,
    loss,
    examples: BATCH,
  });
  const parameters = network.parameters.length;
  return { program, state: initialState(network, 1, program.state), parameters };
}

/** Trains a step with each gradient spoiled in turn: none may change anything, and a sound one still trains. */
export async function expectSpoiledStepsChangeNothing(
  session: Session,
  { program, state, parameters }: ReturnType<typeof spoilable>,
  every = 1,
): Promise<void> {
  const sound = trainChunk(program, 1, 1e-3);
  sound.masks[SPOILT]!.fill(0);
  for (let parameter = parameters - 1; parameter >= 0; parameter -= every) {
    for (const [row, spoiler] of SPOILERS.entries()) {
      const masks = { [SPOILT]: new Uint8Array(BATCH * parameters) };
      masks[SPOILT]![row * parameters + parameter] = 1;
      const chunk: TrainChunk = { ...sound, masks };
      const { loss, finite } = await session.runSteps(chunk);
      const where = `${spoiler} in the gradient of ${program.state[parameter]!.name}`;
      expect(Number.isFinite(loss[0]), where).toBe(true);
      expect([...finite], where).toEqual([0]);
    }
  }
  await expectUnchanged(session, state);
  expect([...(await session.runSteps(sound)).finite]).toEqual([1]);
  expect(sameBits(await session.getState(), state)).toBe(false);
}

async function expectUnchanged(session: Session, state: HostState): Promise<void> {
  expect(sameBits(await session.getState(), state)).toBe(true);
}

function withSpoiledGradients(network: Model): Model {
  const names = network.parameters.map(({ name }) => name);
  return {
    ...network,
    masks: [{ name: SPOILT, units: names.length }],
    forward(parameters, images, mode) {
      if (!mode.training) return network.forward(parameters, images, mode);
      const mask = mode.masks[SPOILT]!;
      const spoiled: Parameters = Object.fromEntries(
        names.map((name, i) => [name, spoil(parameters[name]!, mask, i)]),
      );
      return network.forward(spoiled, images, mode);
    },
  };
}

/** The parameter itself; to the last element of its gradient 1/(1 − m) − 1 and log(1 − 2m) are added, 0 where m is 0. */
function spoil(parameter: tf.Tensor, mask: tf.Tensor2D, column: number): tf.Tensor {
  const op = tf.customGrad((p, m, save) => {
    (save as tf.GradSaveFunc)([m as tf.Tensor]);
    const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
      const [infinite, nan] = SPOILERS.map((_, row) => tf.slice(saved!, [row, column], [1, 1]));
      const added = tf.add(
        tf.sub(tf.div(1, tf.sub(1, infinite!)), 1),
        tf.log(tf.sub(1, tf.mul(2, nan!))),
      );
      const last = tf.pad(tf.reshape(added, [1]), [[dy.size - 1, 0]]);
      return [tf.add(dy, tf.reshape(last, dy.shape)), tf.zerosLike(saved!)];
    };
    return { value: tf.clone(p as tf.Tensor), gradFunc };
  });
  return op(parameter, mask);
}
