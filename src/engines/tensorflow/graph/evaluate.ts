import type { Graph } from '../../trace/graph.js';
import type { Program } from '../../types.js';
import type { GraphDefWriter } from './graph-def.js';
import { LowerContext } from './lower/context.js';
import { lowerGraph } from './lower/index.js';
import type { Endpoint, Variables } from './variables.js';

/** Endpoints that evaluate one batch: what `outputs` names of each example, and probabilities as well. */
export interface EvalEndpoints {
  outputs: readonly ('loss' | 'prediction' | 'rank' | 'margin')[];
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
  const all = ['loss', 'prediction', 'rank', 'margin'] as const;
  const outputs = all.filter((name) => graph.outputs.has(name));
  const short = outputs.map(fetch);
  return {
    outputs,
    short: { feeds, fetches: short },
    withProbabilities: { feeds, fetches: [...short, fetch('probabilities')] },
  };
}
