import type { Graph, Node, Op, Padding, Value } from '../engines/trace/graph.js';
import { sizeOf } from '../shape.js';

/**
 * A traced network's forward pass in double precision: slow, exact, without an engine. It knows the operations that networks
 * have in inference, and refuses others.
 *
 * @param inputs By name, row-major.
 * @param turn Awaited between two operations.
 * @returns The graph's outputs by name.
 */
export async function evaluateGraph(
  { nodes, outputs }: Graph,
  inputs: Readonly<Record<string, Float64Array>>,
  turn: () => Promise<void> | undefined = () => undefined,
): Promise<Record<string, Float64Array>> {
  const values = new Map<Node, Float64Array>();
  const known = ({ node }: Value) => values.get(node)!;
  for (const node of nodes) {
    await turn();
    values.set(node, resultOf(node, node.inputs.map(known), inputs));
  }
  return Object.fromEntries([...outputs].map(([name, value]) => [name, known(value)]));
}

type Kernel<K extends Op> = (
  operands: Float64Array[],
  node: Node<K>,
  inputs: Readonly<Record<string, Float64Array>>,
) => Float64Array;

const mapped =
  (f: (x: number) => number): Kernel<Op> =>
  ([x]) =>
    x!.map(f);

const same: Kernel<Op> = ([x]) => x!;

/** The index in an operand of each element of what it is broadcast to. */
function broadcastIndices({ shape }: Value, to: readonly number[]): Int32Array | null {
  const padded = [...Array(to.length - shape.length).fill(1), ...shape] as number[];
  if (padded.every((side, axis) => side === to[axis])) return null;
  let indices = Int32Array.of(0);
  // From the last axis on: each index repeats for the axes before it.
  for (let axis = to.length - 1, stride = 1; axis >= 0; axis--) {
    const step = padded[axis] === 1 ? 0 : stride;
    const inner = indices;
    indices = new Int32Array(inner.length * to[axis]!);
    for (let i = 0; i < to[axis]!; i++) {
      for (let j = 0; j < inner.length; j++) indices[i * inner.length + j] = inner[j]! + i * step;
    }
    stride *= padded[axis]!;
  }
  return indices;
}

const paired =
  (f: (a: number, b: number) => number): Kernel<Op> =>
  ([a, b], node) => {
    const { shape } = node.outputs[0]!;
    const [ofA, ofB] = node.inputs.map((value) => broadcastIndices(value, shape));
    return new Float64Array(sizeOf(shape)).map((_, i) => f(a![ofA?.[i] ?? i]!, b![ofB?.[i] ?? i]!));
  };

const KERNELS: { [K in Op]?: Kernel<K> } = {
  input: (_, { attrs }, inputs) => inputs[attrs.name]!,
  constant: (_, { attrs }) => Float64Array.from(attrs.data),
  splat: (_, { attrs, outputs }) => new Float64Array(sizeOf(outputs[0]!.shape)).fill(attrs.value),
  cast: same,
  reshape: same,
  relu: mapped((x) => Math.max(x, 0)),
  rsqrt: mapped((x) => 1 / Math.sqrt(x)),
  sqrt: mapped(Math.sqrt),
  square: mapped((x) => x * x),
  add: paired((a, b) => a + b),
  subtract: paired((a, b) => a - b),
  multiply: paired((a, b) => a * b),
  divide: paired((a, b) => a / b),
  concat: (operands, node) => {
    const rows = sizeOf(node.outputs[0]!.shape.slice(0, node.attrs.axis));
    const out = new Float64Array(sizeOf(node.outputs[0]!.shape));
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const operand of operands) {
        const part = operand.subarray(
          (row * operand.length) / rows,
          ((row + 1) * operand.length) / rows,
        );
        out.set(part, at);
        at += part.length;
      }
    }
    return out;
  },
  pad: ([x], { attrs, inputs: [input], outputs: [output] }) => {
    const out = new Float64Array(sizeOf(output!.shape)).fill(attrs.value);
    const { shape } = input!;
    for (let i = 0; i < x!.length; i++) {
      let [rest, at, stride] = [i, 0, 1];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        at += ((rest % shape[axis]!) + attrs.paddings[axis]![0]) * stride;
        rest = Math.floor(rest / shape[axis]!);
        stride *= output!.shape[axis]!;
      }
      out[at] = x![i]!;
    }
    return out;
  },
  mean: ([x], { attrs, inputs: [input], outputs: [output] }) => {
    const out = new Float64Array(sizeOf(output!.shape));
    const { shape } = input!;
    const kept = shape.map((side, axis) => (attrs.axes.includes(axis) ? 1 : side));
    const share = out.length / x!.length;
    for (let i = 0; i < x!.length; i++) {
      let [rest, at, stride] = [i, 0, 1];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (kept[axis] !== 1) at += (rest % shape[axis]!) * stride;
        rest = Math.floor(rest / shape[axis]!);
        stride *= kept[axis]!;
      }
      out[at]! += x![i]! * share;
    }
    return out;
  },
  matMul: ([a, b], { attrs, inputs: [left, right] }) => {
    if (attrs.transposeA || attrs.transposeB || left!.shape.length !== 2) {
      throw new Error('a product of other than plain matrices');
    }
    const [rows, inner, columns] = [left!.shape[0]!, left!.shape[1]!, right!.shape[1]!];
    const out = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < inner; k++) {
        accumulate(out, row * columns, b!, k * columns, columns, a![row * inner + k]!);
      }
    }
    return out;
  },
  conv2d: ([x, filter], node) => {
    const { attrs, inputs } = node;
    const [height, width, channels, outputs] = inputs[1]!.shape as [number, number, number, number];
    const out = new Float64Array(sizeOf(node.outputs[0]!.shape));
    const windows = { size: [height, width] as const, ...attrs };
    eachTap(windows, node, (to, from, y, column) => {
      const tap = (y * width + column) * channels;
      for (let c = 0; c < channels; c++) {
        const value = x![from * channels + c]!;
        if (value !== 0)
          accumulate(out, to * outputs, filter!, (tap + c) * outputs, outputs, value);
      }
    });
    return out;
  },
  maxPool: ([x], node) => {
    const [channels] = node.outputs[0]!.shape.slice(3) as [number];
    const out = new Float64Array(sizeOf(node.outputs[0]!.shape)).fill(Number.NEGATIVE_INFINITY);
    eachTap(node.attrs, node, (to, from) => {
      for (let c = 0; c < channels; c++) {
        const at = to * channels + c;
        out[at] = Math.max(out[at]!, x![from * channels + c]!);
      }
    });
    return out;
  },
  avgPool: ([x], node) => {
    const [channels] = node.outputs[0]!.shape.slice(3) as [number];
    const out = new Float64Array(sizeOf(node.outputs[0]!.shape));
    const inside = new Int32Array(out.length / channels);
    eachTap(node.attrs, node, (to, from) => {
      inside[to]!++;
      accumulate(out, to * channels, x!, from * channels, channels, 1);
    });
    return out.map((sum, i) => sum / inside[Math.floor(i / channels)]!);
  },
};

function resultOf(
  node: Node,
  operands: Float64Array[],
  inputs: Readonly<Record<string, Float64Array>>,
): Float64Array {
  const kernel = KERNELS[node.op] as Kernel<Op> | undefined;
  if (kernel === undefined) throw new Error(`${node.op} is not computed in double precision`);
  return kernel(operands, node, inputs);
}

/** out[to …] += factor · x[from …], `count` numbers. */
function accumulate(
  out: Float64Array,
  to: number,
  x: Float64Array,
  from: number,
  count: number,
  factor: number,
): void {
  for (let i = 0; i < count; i++) out[to + i]! += factor * x[from + i]!;
}

interface Windows {
  size: readonly [number, number];
  strides: readonly [number, number];
  dilations?: readonly [number, number];
  padding: Padding;
}

/** Calls `use` with each pixel of the result, each pixel of the image in its window, and the place of that in the window. */
function eachTap(
  { size, strides, dilations = [1, 1], padding }: Windows,
  { inputs, outputs }: Pick<Node, 'inputs' | 'outputs'>,
  use: (to: number, from: number, y: number, x: number) => void,
): void {
  const [, height, width] = inputs[0]!.shape as [number, number, number];
  const [images, rows, columns] = outputs[0]!.shape as [number, number, number];
  for (let to = 0; to < images * rows * columns; to++) {
    const top = (Math.floor(to / columns) % rows) * strides[0] - padding.top;
    const left = (to % columns) * strides[1] - padding.left;
    const image = Math.floor(to / (rows * columns)) * height;
    for (let y = 0; y < size[0]; y++) {
      const row = top + y * dilations[0];
      if (row < 0 || row >= height) continue;
      for (let x = 0; x < size[1]; x++) {
        const column = left + x * dilations[1];
        if (column >= 0 && column < width) use(to, (image + row) * width + column, y, x);
      }
    }
  }
}
