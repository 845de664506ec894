import * as tf from '@tensorflow/tfjs-core';
import { graphType, type TraceBackend } from '../backend.js';
import type { BinaryOp, ComparisonOp, UnaryOp } from '../graph.js';
import { record } from './register.js';

const FLOAT_UNARY: Record<string, UnaryOp> = {
  [tf.Exp]: 'exp',
  [tf.Log]: 'log',
  [tf.Log1p]: 'log1p',
  [tf.Reciprocal]: 'reciprocal',
  [tf.Rsqrt]: 'rsqrt',
  [tf.Sigmoid]: 'sigmoid',
  [tf.Softplus]: 'softplus',
  [tf.Sqrt]: 'sqrt',
  [tf.Tanh]: 'tanh',
};

const ANY_UNARY: Record<string, UnaryOp> = {
  [tf.Abs]: 'abs',
  [tf.Neg]: 'negate',
  [tf.Relu]: 'relu',
  [tf.Square]: 'square',
};

const BINARY: Record<string, BinaryOp> = {
  [tf.Add]: 'add',
  [tf.Sub]: 'subtract',
  [tf.Multiply]: 'multiply',
  [tf.RealDiv]: 'divide',
  [tf.Maximum]: 'maximum',
  [tf.Minimum]: 'minimum',
  [tf.Pow]: 'power',
  [tf.SquaredDifference]: 'squaredDifference',
};

const COMPARISON: Record<string, ComparisonOp> = {
  [tf.Equal]: 'equal',
  [tf.NotEqual]: 'notEqual',
  [tf.Greater]: 'greater',
  [tf.GreaterEqual]: 'greaterEqual',
  [tf.Less]: 'less',
  [tf.LessEqual]: 'lessEqual',
};

/** Arithmetic, comparisons, logic and conversions. */
export function registerElementwise(backend: TraceBackend): void {
  for (const [kernel, op] of Object.entries(FLOAT_UNARY)) {
    record(backend, kernel, ({ builder, value }) =>
      builder.apply(op, builder.cast(value('x'), 'float32')),
    );
  }
  for (const [kernel, op] of Object.entries(ANY_UNARY)) {
    record(backend, kernel, ({ builder, value }) => builder.apply(op, value('x')));
  }
  for (const [kernel, op] of Object.entries({ ...BINARY, ...COMPARISON })) {
    record(backend, kernel, ({ builder, pair }) => builder.apply(op, ...pair('a', 'b')));
  }
  record(backend, tf.LogicalAnd, ({ builder, value }) =>
    builder.apply('logicalAnd', value('a'), value('b')),
  );
  record(backend, tf.LogicalOr, ({ builder, value }) =>
    builder.apply('logicalOr', value('a'), value('b')),
  );
  record(backend, tf.LogicalNot, ({ builder, value }) => builder.apply('logicalNot', value('x')));
  record(backend, tf.IsFinite, ({ builder, value }) =>
    builder.apply('isFinite', builder.cast(value('x'), 'float32')),
  );
  record(backend, tf.IsNan, ({ builder, value }) =>
    builder.apply('isNaN', builder.cast(value('x'), 'float32')),
  );
  record<{ alpha?: number }>(backend, tf.Step, ({ builder, value }, { alpha }) =>
    builder.emit('step', [value('x')], { alpha: alpha ?? 0 }),
  );
  record(backend, tf.Select, ({ builder, value, pair }) =>
    builder.apply('select', value('condition'), ...pair('t', 'e')),
  );
  record(backend, tf.Identity, ({ value }) => value('x'));
  record<{ dtype: tf.DataType }>(backend, tf.Cast, ({ builder, value }, { dtype }) =>
    builder.cast(value('x'), graphType(dtype)),
  );
}
