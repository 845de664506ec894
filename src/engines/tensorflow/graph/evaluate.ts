import type { Graph } from '../../trace/graph.js';
import type { Program } from '../../types.js';
import type { GraphDefWriter } from './graph-def.js';
import { LowerContext } from './lower/context.js';
import { lowerGraph } from './lower/index.js';
import type { Endpoint, Variables } from './variables.js';

/** Endpoints that evaluate one batch: loss, prediction and rank of each example, and probabilities as well. */
export interface EvalEndpoints {
  short: Endpoint;
  withProbabilities: Endpoint;
}

export function evalEndpoints(
  writer: GraphDefWriter,
  variables: Variables,
  graph: Graph,
  program: Program,
): EvalEndpoints {
  const context = new LowerContext(writer, 'evaluate');
  const batch = program.evalBatchSize;
  const images = context.placeholder('images', {
    shape: [batch, ...program.imageShape],
    dtype: 'uint8',
  });
  const labels = context.placeholder('labels', { shape: [batch], dtype: 'int32' });
  const state = [...variables.read('evaluate')];
  const refOf = lowerGraph(
    context,
    graph,
    new Map([
      ...state.map(([name, ref]) => [`state/${name}`, ref] as const),
      ['images', images],
      ['labels', labels],
    ]),
  );
  const feeds = ['images', 'labels'].map((name) => `${context.prefix}/${name}`);
  const fetch = (name: string) => refOf(graph.outputs.get(name)!).id;
  const short = ['loss', 'prediction', 'rank'].map(fetch);
  return {
    short: { feeds, fetches: short },
    withProbabilities: { feeds, fetches: [...short, fetch('probabilities')] },
  };
}
