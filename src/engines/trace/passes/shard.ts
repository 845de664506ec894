import { sizeOf } from '../../../shape.js';
import { GraphBuilder } from '../builder.js';
import type { Graph, Node, Op, Value } from '../graph.js';
import { BINARY, UNARY } from '../names.js';

/** How a value is cut: along which axis, counted from the last (−1), into parts of which lengths. */
export interface Cut {
  readonly axis: number;
  readonly sizes: readonly number[];
}

/** A value of the old graph in the new one: in parts, or whole with none. */
interface Sharded {
  cut: Cut | undefined;
  parts: readonly Value[];
}

/** What the names of a graph's inputs and outputs that are state begin with. */
const STATE = 'state/';

/** Weights of fewer elements than this are not worth cutting. */
const LARGE = 1 << 16;

/** Ops that take every element for itself. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  ...Object.keys({ ...UNARY, ...BINARY }),
  ...(['cast', 'reluGrad', 'biasAdd'] satisfies Op[]),
]);

/**
 * What to cut so that independent operations keep `count` threads busy: batches of images by example, large matrices
 * of weights and their velocities by column.
 *
 * @returns by the name of the graph's input
 */
export function planShards(graph: Graph, count: number): Map<string, Cut> {
  const plan = new Map<string, Cut>();
  if (count < 2) return plan;
  const images = graph.inputs.get('images');
  if (images !== undefined && images.shape[0]! >= count) {
    plan.set('images', { axis: -images.shape.length, sizes: evenly(images.shape[0]!, count) });
  }
  const names = new Map([...graph.inputs].map(([name, value]) => [value, name]));
  for (const node of graph.nodes) {
    if (node.op !== 'applyMomentum') continue;
    const [parameter, velocity] = node.inputs;
    const { shape } = parameter!;
    if (shape.length !== 2 || sizeOf(shape) < LARGE || shape[1]! < count) continue;
    for (const value of [parameter, velocity]) {
      const name = names.get(value!);
      if (name !== undefined) plan.set(name, { axis: -1, sizes: evenly(shape[1]!, count) });
    }
  }
  return plan;
}

/** Lengths of `count` parts of `length` that differ by one at most. */
function evenly(length: number, count: number): number[] {
  const end = (i: number) => Math.floor((i * length) / count);
  return Array.from({ length: count }, (_, i) => end(i + 1) - end(i));
}

/** The cuts of a plan that are those of state, by the state's name. */
export function cutsOfState(plan: ReadonlyMap<string, Cut>): Map<string, Cut> {
  return new Map(
    [...plan]
      .filter(([name]) => isState(name))
      .map(([name, cut]) => [name.slice(STATE.length), cut]),
  );
}

/** Name of one part of an input or output. */
export function partName(name: string, index: number): string {
  return `${name}/part${index}`;
}

/**
 * Cuts inputs into parts and follows them through the graph, part by part, as far as the parts don't need each other:
 * there they are joined. Inputs and outputs of the plan's names that start with `state/` become one for each part
 * ({@link partName}); other inputs stay whole and are cut in the graph. A product over an axis that is cut adds up the
 * parts' products, in float32; all else is computed as it was.
 */
export function shard(graph: Graph, plan: ReadonlyMap<string, Cut>): Graph {
  const sharder = new Sharder(plan);
  for (const [name, value] of graph.inputs) sharder.input(name, value);
  for (const node of graph.nodes) if (node.op !== 'input') sharder.node(node);
  return sharder.finish(graph);
}

class Sharder {
  private readonly builder = new GraphBuilder();
  private readonly values = new Map<Value, Sharded>();
  /** What has been joined already: a value in parts may have several users that need it whole. */
  private readonly joined = new Map<Sharded, Value>();

  constructor(private readonly plan: ReadonlyMap<string, Cut>) {}

  input(name: string, value: Value): void {
    const cut = this.plan.get(name);
    const { shape, dtype } = value;
    if (cut === undefined || !isState(name)) {
      const whole = this.builder.input(name, value);
      const parts =
        cut === undefined ? [whole] : cut.sizes.map((_, i) => this.slice(whole, cut, i));
      this.values.set(value, { cut, parts });
      return;
    }
    const parts = cut.sizes.map((size, i) =>
      this.builder.input(partName(name, i), { shape: withSize(shape, cut.axis, size), dtype }),
    );
    this.values.set(value, { cut, parts });
  }

  node(node: Node): void {
    const inputs = node.inputs.map((value) => this.values.get(value)!);
    const results = inputs.some(({ cut }) => cut) ? this.inParts(node, inputs) : undefined;
    const outputs =
      results ??
      this.builder
        .copy(
          node,
          inputs.map((x) => this.whole(x)),
        )
        .map((value) => ({ cut: undefined, parts: [value] }));
    for (const [i, value] of node.outputs.entries()) this.values.set(value, outputs[i]!);
  }

  finish(graph: Graph): Graph {
    const outputs = new Map<string, Value>();
    for (const [name, value] of graph.outputs) {
      const sharded = this.values.get(value)!;
      const cut = isState(name) ? this.plan.get(name) : undefined;
      if (cut === undefined) outputs.set(name, this.whole(sharded));
      else
        cut.sizes.forEach(
          (_, i) => void outputs.set(partName(name, i), this.part(sharded, cut, i)),
        );
    }
    return this.builder.build(outputs);
  }

  /** The results part by part; `undefined` where the op needs its operands whole. */
  private inParts(node: Node, inputs: readonly Sharded[]): Sharded[] | undefined {
    switch (node.op) {
      case 'reshape':
        return this.reshape(node, inputs[0]!);
      case 'sum':
      case 'mean':
      case 'max':
      case 'min':
        return this.reduce(node, inputs[0]!);
      case 'whiten':
        return inputs[0]!.cut!.axis === -node.outputs[0]!.shape.length
          ? this.each(node, inputs, inputs[0]!.cut!)
          : undefined;
      case 'biasAddGrad':
        return inputs[0]!.cut!.axis === -1 ? this.each(node, inputs, inputs[0]!.cut!) : undefined;
      case 'matMul':
        return this.product(node, inputs[0]!, inputs[1]!);
      case 'applyMomentum':
        return inputs[0]!.cut && this.each(node, inputs, inputs[0]!.cut);
      default:
        return ELEMENTWISE.has(node.op) ? this.elementwise(node, inputs) : undefined;
    }
  }

  /** The node once for each part: its operands are cut one way, its results another one, if axes come or go. */
  private each(node: Node, inputs: readonly Sharded[], cut: Cut, result: Cut = cut): Sharded[] {
    const results = cut.sizes.map((size, i) => {
      const operands = inputs.map((x) => this.part(x, cut, i));
      // Ops whose type has to be said keep the dtype that was said, in the part's shape.
      const outputs = node.outputs.map((y) => ({
        ...y,
        shape: withSize(y.shape, result.axis, size),
      }));
      return this.builder.copy({ ...node, outputs } as Node, operands);
    });
    return node.outputs.map((_, k) => ({
      cut: result,
      parts: results.map((outputs) => outputs[k]!),
    }));
  }

  private elementwise(node: Node, inputs: readonly Sharded[]): Sharded[] | undefined {
    const { shape } = node.outputs[0]!;
    const { cut, parts } = inputs.find((x) => x.cut !== undefined)!;
    // What is cut along an axis that another operand is broadcast to has nothing to be cut there.
    const fits = parts[0]!.shape.length === shape.length || cut!.axis >= -parts[0]!.shape.length;
    return fits ? this.each(node, inputs, cut!) : undefined;
  }

  /** Examples stay examples, whatever becomes of the axes behind them. */
  private reshape(node: Node, x: Sharded): Sharded[] | undefined {
    const { shape } = node.outputs[0]!;
    const { shape: before } = node.inputs[0]!;
    if (x.cut!.axis !== -before.length || shape[0] !== before[0]) return undefined;
    return this.each(node, [x], x.cut!, { ...x.cut!, axis: -shape.length });
  }

  private reduce(node: Node<'sum' | 'mean' | 'max' | 'min'>, x: Sharded): Sharded[] | undefined {
    const { shape } = node.inputs[0]!;
    const { axes, keepDims } = node.attrs;
    const axis = shape.length + x.cut!.axis;
    if (!axes.includes(axis)) {
      const behind = keepDims ? 0 : axes.filter((a) => a > axis).length;
      return this.each(node, [x], x.cut!, { ...x.cut!, axis: x.cut!.axis + behind });
    }
    if (node.op !== 'sum') return undefined;
    const sums = x.parts.map((part) => this.builder.emit('sum', [part], node.attrs));
    return [{ cut: undefined, parts: [this.add(sums)] }];
  }

  private product(node: Node<'matMul'>, a: Sharded, b: Sharded): Sharded[] | undefined {
    const { transposeA, transposeB } = node.attrs;
    if (node.outputs[0]!.shape.length !== 2 || b.cut?.axis !== -1) return undefined;
    const { cut } = b;
    if (!transposeB) {
      const left = this.whole(a);
      const parts = b.parts.map((right) => this.builder.emit('matMul', [left, right], node.attrs));
      return [{ cut, parts }];
    }
    if (transposeA) return undefined;
    const products = b.parts.map((right, i) =>
      this.builder.emit('matMul', [this.part(a, cut, i), right], node.attrs),
    );
    return [{ cut: undefined, parts: [this.add(products)] }];
  }

  private add(values: readonly Value[]): Value {
    const { dtype } = values[0]!;
    const exact = values.map((x) => (dtype === 'bfloat16' ? this.builder.cast(x, 'float32') : x));
    return this.builder.cast(
      exact.reduce((a, b) => this.builder.apply('add', a, b)),
      dtype,
    );
  }

  /** Part `index` of a value that is cut this way, or whole: then it is cut, or broadcast along the axis. */
  private part(x: Sharded, cut: Cut, index: number): Value {
    if (x.cut !== undefined && sameCut(x.cut, cut)) return x.parts[index]!;
    return this.slice(this.whole(x), cut, index);
  }

  private slice(x: Value, { axis, sizes }: Cut, index: number): Value {
    const rank = x.shape.length;
    if (rank + axis < 0 || x.shape.at(axis) === 1) return x;
    const first = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    const begin = x.shape.map((_, i) => (i === rank + axis ? first : 0));
    const shape = withSize(x.shape, axis, sizes[index]!);
    return this.builder.typed('slice', [x], { begin }, { shape, dtype: x.dtype });
  }

  private whole(x: Sharded): Value {
    if (x.cut === undefined) return x.parts[0]!;
    const known = this.joined.get(x);
    if (known !== undefined) return known;
    const axis = x.parts[0]!.shape.length + x.cut.axis;
    const value = this.builder.emit('concat', x.parts, { axis });
    this.joined.set(x, value);
    return value;
  }
}

function isState(name: string): boolean {
  return name.startsWith(STATE);
}

function sameCut(a: Cut, b: Cut): boolean {
  return a.axis === b.axis && a.sizes.every((size, i) => size === b.sizes[i]);
}

/** `shape` with another length along an axis, if it has one there to be cut. */
function withSize(shape: readonly number[], axis: number, size: number): number[] {
  const at = shape.length + axis;
  return shape.map((length, i) => (i === at && length !== 1 ? size : length));
}
