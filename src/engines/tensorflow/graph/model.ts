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
/** More parts than this make matrices too narrow to be multiplied well. */
const MOST_PARTS = 4;

export interface CompileOptions {
  precision: 'float32' | 'bfloat16';
  /** Of the CPU, for the program to use; 1 if it runs on a GPU. */
  threads: number;
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
  { precision, threads, ownOps }: CompileOptions,
): CompiledProgram {
  const step = optimize(traceTrain(program), precision, { whitens: ownOps });
  const evaluation = optimize(traceEval(program), precision, { whitens: ownOps });
  const short = step.nodes.length <= SHORT_STEP;
  const parts = short ? partsFor(threads) : 1;
  const plan = planShards(step, parts);
  const evaluationPlan = new Map([...plan, ...planShards(evaluation, parts)]);
  const graph = new GraphDefWriter();
  const variables = new Variables(graph, program.state, cutsOfState(plan));
  return {
    graph,
    options: parts > 1 ? { threadsPerOperation: Math.floor(threads / parts), fuse: false } : {},
    set: variables.setter(),
    get: variables.getter(),
    evaluate: evalEndpoints(graph, variables, shard(evaluation, evaluationPlan), program),
    train: (short ? UNROLLED_STEPS : [1]).map((steps) => ({
      steps,
      endpoint: trainEndpoint(graph, variables, shard(step, plan), program, {
        steps,
        // It updates on one thread: worth it where there are parts.
        fused: ownOps && parts > 1,
      }),
    })),
  };
}

/** A power of two: others cut matrices into widths that are multiplied slowly. */
function partsFor(threads: number): number {
  return 2 ** Math.floor(Math.log2(Math.min(Math.max(threads, 1), MOST_PARTS)));
}
