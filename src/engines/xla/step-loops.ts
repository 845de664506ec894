import { sizeOf } from '../../shape.js';
import type { Graph } from '../trace/graph.js';
import { extraShape, type Program } from '../types.js';
import { groupsOf, loopCapacity } from './loop-program.js';
import type { LoopSpec, StepInput } from './lower/signature.js';
import { elementType } from './lower/text.js';

/** The training loop of a traced step: state goes round, three numbers of every step are kept. */
export function trainLoop(graph: Graph, program: Program, devices = 1): LoopSpec {
  const { batchSize } = program;
  const masks = program.masks.map(({ name, units }) => ({
    name: `mask/${name}`,
    type: 'ui8' as const,
    bytes: batchSize * units,
    byExample: true,
  }));
  const extras = program.extras.map((spec) => ({
    name: spec.name,
    type: elementType(spec.dtype),
    bytes: 4 * sizeOf(extraShape(spec, batchSize)),
    byExample: spec.byExample,
  }));
  return {
    graph,
    ...stepInputs([
      ...examples(program, batchSize),
      ...masks,
      ...extras,
      { name: 'learningRate', type: 'f32', bytes: 4, byExample: false },
    ]),
    carried: program.state.map(({ name }) => `state/${name}`),
    collected: ['loss', 'correct', 'finite'],
    guard: 'finite',
    devices,
  };
}

/** The evaluation loop of a traced step: nothing goes round, the results of every batch are kept. */
export function evalLoop(
  graph: Graph,
  program: Program,
  probabilities: boolean,
  devices = 1,
): LoopSpec {
  const { evalBatchSize } = program;
  const asked = graph.outputs.has('margin') ? ['margin'] : [];
  if (probabilities) asked.push('probabilities');
  return {
    graph,
    ...stepInputs(examples(program, evalBatchSize)),
    carried: [],
    collected: ['loss', 'prediction', 'rank', ...asked],
    devices,
  };
}

/**
 * A program that is evaluated in batches which `devices` can share, the next larger ones: no result of an example depends
 * on the others of its batch.
 */
export function withSharedEvaluation(program: Program, devices: number): Program {
  return { ...program, evalBatchSize: Math.ceil(program.evalBatchSize / devices) * devices };
}

/** An input, and the bytes of a step's. */
type Input = Omit<StepInput, 'groups'> & { bytes: number };

function examples({ imageShape }: Program, batch: number): Input[] {
  return [
    { name: 'images', type: 'ui8', bytes: batch * sizeOf(imageShape), byExample: true },
    { name: 'labels', type: 'i32', bytes: batch * 4, byExample: true },
  ];
}

function stepInputs(inputs: Input[]): Pick<LoopSpec, 'capacity' | 'perStep'> {
  const capacity = loopCapacity(inputs.reduce((sum, { bytes }) => sum + bytes, 0));
  return {
    capacity,
    perStep: inputs.map(({ bytes, ...input }) => ({
      ...input,
      groups: groupsOf(bytes, capacity),
    })),
  };
}
