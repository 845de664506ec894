import { optimize } from '../../trace/passes/index.js';
import { planShards, shard } from '../../trace/passes/shard.js';
import { traceEval, traceTrain } from '../../trace/trace.js';
import type { Program } from '../../types.js';
import { type EvalEndpoints, evalEndpoints } from './evaluate.js';
import { GraphDefWriter } from './graph-def.js';
import { trainEndpoint } from './train.js';
import { type Endpoint, Variables } from './variables.js';

/** Steps that one call takes where steps are short. */
const UNROLLED_STEPS = 4;
/** A step of at most so many traced operations is short: what a call costs beside it can be seen. */
const SHORT_STEP = 200;

/** A program as a TensorFlow graph, and what to call in it. */
export interface CompiledProgram {
  graph: GraphDefWriter;
  set: Endpoint;
  get: Endpoint;
  evaluate: EvalEndpoints;
  /** By the steps that one call takes, most first; one step is always there. */
  train: { steps: number; endpoint: Endpoint }[];
}

/**
 * Traces a program's steps and writes them as one graph around its state.
 *
 * @param parts into which short steps are cut, for threads to work side by side
 */
export function compileProgram(
  program: Program,
  precision: 'float32' | 'bfloat16',
  parts = 1,
): CompiledProgram {
  const whole = optimize(traceTrain(program), precision);
  const short = whole.nodes.length <= SHORT_STEP;
  const count = short ? parts : 1;
  const plan = planShards(whole, count);
  const step = shard(whole, plan);
  const wholeEvaluation = optimize(traceEval(program), precision);
  const evaluation = shard(
    wholeEvaluation,
    new Map([...plan, ...planShards(wholeEvaluation, count)]),
  );
  const graph = new GraphDefWriter();
  const cuts = new Map([...plan].map(([name, cut]) => [name.replace(/^state\//, ''), cut]));
  const variables = new Variables(graph, program.state, cuts);
  const counts = short ? [UNROLLED_STEPS, 1] : [1];
  return {
    graph,
    set: variables.setter(),
    get: variables.getter(),
    evaluate: evalEndpoints(graph, variables, evaluation, program),
    train: counts.map((steps) => ({
      steps,
      endpoint: trainEndpoint(graph, variables, step, program, steps),
    })),
  };
}
