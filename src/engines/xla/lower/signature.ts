import type { Graph, ValueType } from '../../trace/graph.js';
import type { ElementType } from '../pjrt/layout.js';
import { elementType } from './text.js';

/** A graph input that differs from step to step. */
export interface StepInput {
  /** Of the graph's input. */
  name: string;
  /** What the host uploads; converted on the device where the graph wants another type. */
  type: ElementType;
  /**
   * The steps come in this many arrays [capacity / groups, ...shape], so that a call of few steps uploads few of them.
   */
  groups: number;
  /** Whether `shape` begins with the examples of a batch, which several devices divide among them. */
  byExample: boolean;
}

/** A graph run for a number of steps that is decided at each call, at most `capacity`. */
export interface LoopSpec {
  graph: Graph;
  capacity: number;
  perStep: readonly StepInput[];
  /**
   * Inputs that each step replaces by the output of the same name, and whose memory the program takes over. All other
   * inputs stay what they are.
   */
  carried: readonly string[];
  /** Outputs kept of every step, [capacity, ...shape]; undefined beyond the steps that were run. */
  collected: readonly string[];
  /** A scalar bool output: a step for which it is false replaces nothing. */
  guard?: string;
  /** Devices that XLA divides the program among: examples are theirs by shares, and each holds all else. */
  devices: number;
}

/** Shape and type of an argument or result of the loop's `@main`. */
export interface LoopType {
  shape: number[];
  type: ElementType;
  /** The axis that is divided among several devices; without it each holds the whole. */
  dividedAxis?: number;
}

/** What `@main` takes and returns, in order. */
export interface LoopSignature {
  /** Inputs that are not per step, by name. */
  state: Map<string, LoopType>;
  /** Then the groups of each per-step input, one after the other (all of one type). */
  perStep: Map<string, LoopType & { groups: number }>;
  /** Then the number of steps, an i32 scalar. Results: the collected outputs … */
  collected: Map<string, LoopType>;
  /** … and the carried state. */
  carried: string[];
}

export function loopSignature(spec: LoopSpec): LoopSignature {
  const perStepNames = new Set(spec.perStep.map((input) => input.name));
  const state = [...spec.graph.inputs].filter(([name]) => !perStepNames.has(name));
  return {
    state: new Map(state.map(([name, value]) => [name, plain(value)])),
    perStep: new Map(
      spec.perStep.map(({ name, type, groups, byExample }) => {
        const { shape } = named(spec.graph, 'input', name);
        const divided = byExample && spec.devices > 1 ? { dividedAxis: 1 } : {};
        return [name, { shape: [spec.capacity / groups, ...shape], type, groups, ...divided }];
      }),
    ),
    collected: new Map(
      spec.collected.map((name) => {
        const { shape, type } = plain(named(spec.graph, 'output', name));
        return [name, { shape: [spec.capacity, ...shape], type }];
      }),
    ),
    carried: [...spec.carried],
  };
}

/** A value's type as an argument or result has it. */
export function plain({ shape, dtype }: ValueType): LoopType {
  return { shape: [...shape], type: elementType(dtype) };
}

/** The type of an input or output, which has to be there. */
export function named(graph: Graph, what: 'input' | 'output', name: string): ValueType {
  const value = graph[`${what}s`].get(name);
  if (value === undefined) throw new Error(`the traced step has no ${what} '${name}'`);
  return value;
}
