/**
 * Families of ops that other libraries have, too: the name of tfjs' kernel, which is TensorFlow's but for two, and
 * StableHLO's, where it is a single op there.
 */
type Names = Readonly<Record<string, readonly [tfjs: string, stablehlo?: string]>>;

/** `f(x)`, element by element; the output has the input's type. */
export const UNARY = {
  abs: ['Abs', 'abs'],
  exp: ['Exp', 'exponential'],
  log: ['Log', 'log'],
  log1p: ['Log1p', 'log_plus_one'],
  negate: ['Neg', 'negate'],
  reciprocal: ['Reciprocal'],
  relu: ['Relu'],
  rsqrt: ['Rsqrt', 'rsqrt'],
  sigmoid: ['Sigmoid', 'logistic'],
  softplus: ['Softplus'],
  sqrt: ['Sqrt', 'sqrt'],
  square: ['Square'],
  tanh: ['Tanh', 'tanh'],
} as const satisfies Names;

/** `f(a, b)` with broadcasting; `a`, `b` and the output have one dtype. */
export const BINARY = {
  add: ['Add', 'add'],
  subtract: ['Sub', 'subtract'],
  multiply: ['Multiply', 'multiply'],
  divide: ['RealDiv', 'divide'],
  maximum: ['Maximum', 'maximum'],
  minimum: ['Minimum', 'minimum'],
  power: ['Pow', 'power'],
  squaredDifference: ['SquaredDifference'],
} as const satisfies Names;

/** `a ? b` with broadcasting; `a` and `b` have one dtype, the output is bool. StableHLO has directions of one op. */
export const COMPARISON = {
  equal: ['Equal', 'EQ'],
  notEqual: ['NotEqual', 'NE'],
  greater: ['Greater', 'GT'],
  greaterEqual: ['GreaterEqual', 'GE'],
  less: ['Less', 'LT'],
  lessEqual: ['LessEqual', 'LE'],
} as const satisfies Names;

/** Logic on bools, with broadcasting for two operands. */
export const LOGICAL = {
  logicalAnd: ['LogicalAnd', 'and'],
  logicalOr: ['LogicalOr', 'or'],
  logicalNot: ['LogicalNot', 'not'],
} as const satisfies Names;

/**
 * Reductions; `all` and `any` take bool, `mean` a floating type. The output keeps the dtype. StableHLO has one op, which
 * applies a binary one.
 */
export const REDUCE = {
  sum: ['Sum', 'add'],
  mean: ['Mean', 'add'],
  max: ['Max', 'maximum'],
  min: ['Min', 'minimum'],
  all: ['All', 'and'],
  any: ['Any', 'or'],
} as const satisfies Names;

type NamesOf<F> = F[keyof F];

/** What `make` gives for each op of a family. */
export function each<F extends Names, T>(
  family: F,
  make: (names: NamesOf<F>, op: keyof F) => T,
): Record<keyof F, T> {
  const rows = Object.entries(family).map(([op, names]) => [op, make(names as NamesOf<F>, op)]);
  return Object.fromEntries(rows) as Record<keyof F, T>;
}
