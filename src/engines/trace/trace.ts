import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RethinkError } from '../../errors.js';
import { extraShape, type Program, type State } from '../types.js';
import { TRACE_BACKEND, TraceBackend } from './backend.js';
import { GraphBuilder } from './builder.js';
import type { DType, Graph, Value } from './graph.js';
import './kernels/elementwise.js';
import './kernels/nn.js';
import './kernels/shape.js';

let registered: TraceBackend | undefined;

/** The tracer's backend, registered with tfjs at first use. */
function traceBackend(): TraceBackend {
  if (registered !== undefined) return registered;
  const backend = new TraceBackend();
  tf.registerBackend(TRACE_BACKEND, () => backend, 0);
  registered = backend;
  return backend;
}

/** Declares an input and gives the tensor of it that the traced function sees. */
export type DeclareInput = (name: string, shape: readonly number[], dtype: DType) => tf.Tensor;

/**
 * Records what `body` computes: it declares its inputs and returns its named results.
 *
 * Throws a `RethinkError` that names the operation where the body is not a pure function of its inputs, or uses a tfjs
 * operation that has no recording kernel.
 */
export function trace(body: (input: DeclareInput) => Record<string, tf.Tensor>): Graph {
  const backend = traceBackend();
  const previous = tf.getBackend();
  const builder = new GraphBuilder();
  const restore = (): void => {
    backend.attach(undefined);
    if (previous) tf.setBackend(previous);
  };
  tf.setBackend(TRACE_BACKEND);
  backend.attach(builder);
  try {
    const outputs = new Map<string, Value>();
    tf.tidy(() => {
      const results = body((name, shape, dtype) =>
        backend.tensor(builder.input(name, { shape, dtype })),
      );
      for (const [name, tensor] of Object.entries(results)) {
        outputs.set(name, backend.resolve(tensor));
      }
    });
    return builder.build(outputs);
  } catch (error) {
    throw explained(error);
  } finally {
    restore();
  }
}

/** tfjs throws a plain error for a kernel that a backend lacks. */
function explained(error: unknown): unknown {
  const missing = /Kernel '(\w+)' not registered for backend 'trace'/.exec(messageOf(error));
  if (missing === null) return error;
  return new RethinkError('failed', `The compiled engines have no kernel for ${missing[1]}.`, {
    hint: 'Write the step with other tfjs operations, or run it with engine.eager=true.',
    cause: error,
  });
}

/**
 * Traces a program's training step.
 *
 * Inputs: `state/<name>` float32, `images` uint8 [batch, height, width, channels], `labels` int32 [batch],
 * `mask/<name>` uint8 [batch, units], the program's extras, `learningRate` float32 scalar. Outputs: `state/<name>`, `loss`, `correct`,
 * `finite`. The caller keeps the old state where `finite` is false.
 */
export function traceTrain(program: Program): Graph {
  const { batchSize } = program;
  return trace((input) => {
    const state = stateInputs(program, input);
    const result = program.trainStep(state, {
      images: imageInput(program, batchSize, input),
      labels: input('labels', [batchSize], 'int32') as tf.Tensor1D,
      masks: Object.fromEntries(
        program.masks.map(({ name, units }) => {
          const bytes = input(`mask/${name}`, [batchSize, units], 'uint8');
          return [name, tf.cast(bytes, 'float32') as tf.Tensor2D];
        }),
      ),
      extras: Object.fromEntries(
        program.extras.map((spec) => [
          spec.name,
          input(spec.name, extraShape(spec, batchSize), spec.dtype),
        ]),
      ),
      learningRate: input('learningRate', [], 'float32') as tf.Scalar,
    });
    return {
      ...Object.fromEntries(
        program.state.map(({ name }) => [`state/${name}`, result.state[name]!]),
      ),
      loss: result.loss,
      correct: result.correct,
      finite: result.finite,
    };
  });
}

/**
 * Traces a program's evaluation step. Inputs: `state/<name>`, `images` and `labels` as in {@link traceTrain}, of the
 * evaluation batch size. Outputs: `loss` [batch], `prediction` and `rank` int32 [batch], `margin` [batch] where the program
 * has it, `probabilities` [batch, classes].
 */
export function traceEval(program: Program): Graph {
  const { evalBatchSize } = program;
  return trace((input) => {
    const state = stateInputs(program, input);
    const images = imageInput(program, evalBatchSize, input);
    const labels = input('labels', [evalBatchSize], 'int32') as tf.Tensor1D;
    return { ...program.evalStep(state, images, labels) };
  });
}

function stateInputs(program: Program, input: DeclareInput): State {
  return Object.fromEntries(
    program.state.map(({ name, shape }) => [name, input(`state/${name}`, shape, 'float32')]),
  );
}

function imageInput(program: Program, batch: number, input: DeclareInput): tf.Tensor4D {
  return input('images', [batch, ...program.imageShape], 'uint8') as tf.Tensor4D;
}
