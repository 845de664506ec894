import { sizeOf } from '../../shape.js';
import type { Graph } from '../trace/graph.js';
import type { Program } from '../types.js';
import { groupsOf, loopCapacity } from './loop-program.js';
import type { LoopSpec, StepInput } from './lower/loop.js';

/** The training loop of a traced step: state goes round, three numbers of every step are kept. */
export function trainLoop(graph: Graph, program: Program): LoopSpec {
  const { batchSize } = program;
  const masks = program.masks.map(({ name, units }) => ({
    name: `mask/${name}`,
    type: 'ui8' as const,
    bytes: batchSize * units,
  }));
  return {
    graph,
    ...stepInputs([
      { name: 'images', type: 'ui8', bytes: batchSize * sizeOf(program.imageShape) },
      { name: 'labels', type: 'i32', bytes: batchSize * 4 },
      ...masks,
      { name: 'learningRate', type: 'f32', bytes: 4 },
    ]),
    carried: program.state.map(({ name }) => `state/${name}`),
    collected: ['loss', 'correct', 'finite'],
    guard: 'finite',
  };
}

/** The evaluation loop of a traced step: nothing goes round, the results of every batch are kept. */
export function evalLoop(graph: Graph, program: Program, probabilities: boolean): LoopSpec {
  const { evalBatchSize } = program;
  return {
    graph,
    ...stepInputs([
      { name: 'images', type: 'ui8', bytes: evalBatchSize * sizeOf(program.imageShape) },
      { name: 'labels', type: 'i32', bytes: evalBatchSize * 4 },
    ]),
    carried: [],
    collected: ['loss', 'prediction', 'rank', ...(probabilities ? ['probabilities'] : [])],
  };
}

function stepInputs(inputs: { name: string; type: StepInput['type']; bytes: number }[]): {
  capacity: number;
  perStep: StepInput[];
} {
  const capacity = loopCapacity(inputs.reduce((sum, { bytes }) => sum + bytes, 0));
  return {
    capacity,
    perStep: inputs.map(({ name, type, bytes }) => ({
      name,
      type,
      groups: groupsOf(bytes, capacity),
    })),
  };
}
