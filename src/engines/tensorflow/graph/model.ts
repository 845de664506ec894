import type { CompositeOp } from '../../trace/passes/composites.js';
import { optimize } from '../../trace/passes/index.js';
import { cutsOfState, planShards, shard } from '../../trace/passes/shard.js';
import { traceEval, traceTrain } from '../../trace/trace.js';
import type { Program } from '../../types.js';
import type { SessionOptions } from '../native-session.js';
import { type EvalEndpoints, evalEndpoints } from './evaluate.js';
import { GraphDefWriter } from './graph-def.js';
import { trainEndpoint } from './train.js';
import { type Endpoint, Variables } from './variables.js';

/** Steps that one call takes where steps are short, most first. */
const UNROLLED_STEPS = [16, 4, 1];
/** A step of at most so many traced operations is short: what a call or an operation costs beside it can be seen. */
const SHORT_STEP = 200;

export interface CompileOptions {
  precision: 'float32' | 'bfloat16';
  /** Into which a short step is cut, for threads to work side by side. */
  parts: number;
  /** Whether there are the operations of ops.cc: on the CPU. */
  ownOps: boolean;
}

/** A program as a TensorFlow graph, and what to call in it. */
export interface CompiledProgram {
  graph: GraphDefWriter;
  /** How to run the graph. */
  options: SessionOptions;
  set: Endpoint;
  get: Endpoint;
  evaluate: EvalEndpoints;
  /** By the steps that one call takes, most first; one step is always there. */
  train: { steps: number; endpoint: Endpoint }[];
}

/**
 * Traces a program's steps and writes them as one graph around its state.
 *
 * Where a step is short, threads that meet after every operation spend more time waiting than computing. So its
 * operations are cut into parts that go their own ways, on a thread each.
 */
export function compileProgram(
  program: Program,
  { precision, parts: most, ownOps }: CompileOptions,
): CompiledProgram {
  const has: CompositeOp[] = ownOps ? ['whiten'] : [];
  const step = optimize(traceTrain(program), precision, has);
  const evaluation = optimize(traceEval(program), precision, has);
  const short = step.nodes.length <= SHORT_STEP;
  const parts = short ? most : 1;
  const plan = planShards(step, parts);
  const stepInParts = shard(step, plan);
  const evaluationPlan = new Map([...plan, ...planShards(evaluation, parts)]);
  const graph = new GraphDefWriter();
  const variables = new Variables(graph, program.state, cutsOfState(plan));
  return {
    graph,
    // Multiplied and then added, parts are done sooner than by TensorFlow's fused operation.
    options: { fuse: parts === 1 },
    set: variables.setter(),
    get: variables.getter(),
    evaluate: evalEndpoints(graph, variables, shard(evaluation, evaluationPlan), program),
    train: (short ? UNROLLED_STEPS : [1]).map((steps) => ({
      steps,
      endpoint: trainEndpoint(graph, variables, stepInParts, program, {
        steps,
        // It updates on one thread: worth it where there are parts.
        fused: ownOps && parts > 1,
      }),
    })),
  };
}
