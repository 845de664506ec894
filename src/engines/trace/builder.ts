import { sizeOf } from '../../shape.js';
import {
  type ConstantData,
  type DType,
  type Graph,
  type Node,
  type Op,
  type OpAttributes,
  sameShape,
  type Value,
  type ValueType,
} from './graph.js';
import { FREELY_TYPED, inferTypes } from './types/infer.js';

const NONE: Record<string, never> = {};

/** Constants up to this many bytes are compared by content. */
const HASHED_BYTES = 1 << 18;

/**
 * Adds nodes to a graph. Equal nodes (same op, operands, attributes and type) are one node, so common subexpressions
 * never appear; types are checked as they are added.
 */
export class GraphBuilder {
  private readonly nodes: Node[] = [];
  private readonly inputs = new Map<string, Value>();
  private readonly known = new Map<string, Node>();

  input(name: string, type: ValueType): Value {
    if (this.inputs.has(name)) throw new Error(`two inputs are named ${name}`);
    const value = this.append('input', [], { name }, [type]).outputs[0]!;
    this.inputs.set(name, value);
    return value;
  }

  /** A constant of all elements in row-major order; a splat if they are all the same bits. */
  constant(data: ConstantData, type: ValueType): Value {
    if (data.length !== sizeOf(type.shape)) throw new Error(`${data.length} elements given`);
    const head = data[0];
    if (head !== undefined && data.every((x) => Object.is(x, head))) return this.splat(head, type);
    return this.typed('constant', [], { data }, type);
  }

  splat(value: number, { shape, dtype }: ValueType): Value {
    return this.typed('splat', [], { value }, { shape, dtype });
  }

  scalar(value: number, dtype: DType): Value {
    return this.splat(value, { shape: [], dtype });
  }

  cast(x: Value, dtype: DType): Value {
    return x.dtype === dtype ? x : this.typed('cast', [x], NONE, { shape: x.shape, dtype });
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sizeOf(shape) !== sizeOf(x.shape)) throw new Error(`[${x.shape}] is no [${shape}]`);
    return sameShape(x.shape, shape)
      ? x
      : this.typed('reshape', [x], NONE, { shape, dtype: x.dtype });
  }

  broadcast(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape)
      ? x
      : this.typed('broadcast', [x], NONE, { shape, dtype: x.dtype });
  }

  /** The first result of an op whose type follows from its operands. */
  emit<K extends Op>(op: K, inputs: readonly Value[], attrs: OpAttributes[K]): Value {
    return this.emitAll(op, inputs, attrs)[0]!;
  }

  /** All results of an op whose type follows from its operands. */
  emitAll<K extends Op>(op: K, inputs: readonly Value[], attrs: OpAttributes[K]): readonly Value[] {
    return this.unique(op, inputs, attrs, inferTypes(op, inputs, attrs)).outputs;
  }

  /** An op without attributes. */
  apply(op: OpWithoutAttributes, ...inputs: Value[]): Value {
    return this.emit(op, inputs, NONE);
  }

  /** The result of an op whose type has to be said. */
  typed<K extends Op>(op: K, inputs: readonly Value[], attrs: OpAttributes[K], type: ValueType) {
    return this.unique(op, inputs, attrs, [type]).outputs[0]!;
  }

  /** A node like `node` on other operands. */
  copy(node: Node, inputs: readonly Value[]): readonly Value[] {
    if (!FREELY_TYPED.has(node.op)) return this.emitAll(node.op, inputs, node.attrs);
    return this.unique(node.op, inputs, node.attrs, node.outputs).outputs;
  }

  /** The node that `emit` would give, if it exists already. */
  find<K extends Op>(op: K, inputs: readonly Value[], attrs: OpAttributes[K]): Node | undefined {
    return this.known.get(keyOf(op, inputs, attrs, inferTypes(op, inputs, attrs)));
  }

  /** The finished graph: inputs, and the nodes that the outputs need. */
  build(outputs: ReadonlyMap<string, Value>): Graph {
    const needed = new Set<Node>([...this.inputs.values()].map((value) => value.node));
    const visit = [...outputs.values()].map((value) => value.node);
    for (let node = visit.pop(); node !== undefined; node = visit.pop()) {
      if (needed.has(node)) continue;
      needed.add(node);
      visit.push(...node.inputs.map((value) => value.node));
    }
    const isInput = (node: Node) => node.op === 'input';
    const kept = this.nodes.filter((node) => needed.has(node));
    const nodes = [...kept.filter(isInput), ...kept.filter((node) => !isInput(node))];
    for (const [id, node] of nodes.entries()) (node as { id: number }).id = id;
    return { inputs: this.inputs, outputs, nodes };
  }

  private unique<K extends Op>(
    op: K,
    inputs: readonly Value[],
    attrs: OpAttributes[K],
    types: readonly ValueType[],
  ): Node {
    const key = keyOf(op, inputs, attrs, types);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const node = this.append(op, inputs, attrs, types);
    this.known.set(key, node);
    return node;
  }

  private append<K extends Op>(
    op: K,
    inputs: readonly Value[],
    attrs: OpAttributes[K],
    types: readonly ValueType[],
  ): Node {
    const outputs: Value[] = [];
    const node = { id: this.nodes.length, op, inputs, attrs, outputs } as unknown as Node;
    outputs.push(...types.map(({ shape, dtype }, index) => ({ node, index, shape, dtype })));
    this.nodes.push(node);
    return node;
  }
}

type OpWithoutAttributes = {
  [K in Op]: Record<string, never> extends OpAttributes[K] ? K : never;
}[Op];

/** Text that is the same for nodes that compute the same. −0 and NaN are told apart from 0. */
function keyOf(
  op: Op,
  inputs: readonly Value[],
  attrs: object,
  types: readonly ValueType[],
): string {
  const operands = inputs.map(({ node, index }) => `${node.id}.${index}`);
  const type = types.map(({ shape, dtype }) => `${dtype}[${shape}]`);
  return `${op}(${operands})${JSON.stringify(attrs, replacer)}:${type}`;
}

let unhashed = 0;

function replacer(_: string, value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : `#${Object.is(value, -0) ? '-0' : value}`;
  }
  if (!ArrayBuffer.isView(value)) return value;
  if (value.byteLength > HASHED_BYTES) return `#${unhashed++}`;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return bytes.toString('base64');
}
