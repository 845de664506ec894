import * as tf from '@tensorflow/tfjs-core';
import { TRACE_BACKEND, type TraceBackend } from '../backend.js';
import type { GraphBuilder } from '../builder.js';
import type { DType, Value } from '../graph.js';

/** What a recording kernel works with. */
export interface KernelContext {
  builder: GraphBuilder;
  /** Value of a named operand. */
  value(name: string): Value;
  values(...names: string[]): Value[];
  /** The same as float32. */
  float(name: string): Value;
  /** Values of two operands in the dtype to which tfjs promotes them. */
  pair(a: string, b: string): [Value, Value];
  inputs: tf.NamedTensorInfoMap;
}

// tfjs declares every attribute map as a bag of unknowns; each kernel says which attributes it reads.
type Recorder<A> = (context: KernelContext, attrs: A) => Value | readonly Value[];

/** Registers the recording version of a tfjs kernel. */
export function record<A = object>(kernelName: string, recorder: Recorder<A>): void {
  tf.registerKernel({
    kernelName,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const tracer = backend as TraceBackend;
      const results = recorder(contextOf(tracer, inputs), (attrs ?? {}) as A);
      return Array.isArray(results)
        ? results.map((value) => infoOf(tracer, value))
        : infoOf(tracer, results as Value);
    },
  });
}

function contextOf(backend: TraceBackend, inputs: tf.NamedTensorInfoMap): KernelContext {
  const { builder } = backend;
  const tensor = (name: string): tf.TensorInfo => {
    const found = inputs[name];
    if (found === undefined) throw new Error(`operand ${name} is missing`);
    return found;
  };
  const value = (name: string) => backend.resolve(tensor(name));
  return {
    builder,
    inputs,
    value,
    values: (...names) => names.map(value),
    float: (name) => builder.cast(value(name), 'float32'),
    pair(a, b) {
      const dtype = tf.upcastType(tensor(a).dtype, tensor(b).dtype) as DType;
      return [builder.cast(value(a), dtype), builder.cast(value(b), dtype)];
    },
  };
}

function infoOf(backend: TraceBackend, value: Value): tf.TensorInfo {
  const dtype = value.dtype as 'float32' | 'int32' | 'bool';
  return { dataId: backend.hold(value), shape: [...value.shape], dtype };
}
