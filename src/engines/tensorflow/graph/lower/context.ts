import {
  type ConstantData,
  type DType,
  type Node,
  type Op,
  type OpAttributes,
  sameShape,
  type Value,
  type ValueType,
} from '../../../trace/graph.js';
import { type Attribute, attribute, type GraphDefWriter } from '../graph-def.js';

/** One output of a TensorFlow node. */
export interface Ref extends ValueType {
  /** `name` or `name:output`. */
  id: string;
}

export type Lowering<K extends Op = Op> = (
  context: LowerContext,
  inputs: readonly Ref[],
  node: Node<K>,
) => readonly Ref[];

/** Lowerings of some ops. */
export type Lowerings = { [K in Op]?: Lowering<K> };

/** Adds TensorFlow nodes for one traced graph, named with a prefix of its own. */
export class LowerContext {
  private count = 0;
  private readonly constants = new Map<string, Ref>();

  constructor(
    readonly graph: GraphDefWriter,
    readonly prefix: string,
  ) {}

  /** A node with several outputs. */
  nodes(
    op: string,
    inputs: readonly Ref[],
    attributes: Record<string, Attribute>,
    types: readonly ValueType[],
  ): Ref[] {
    const name = `${this.prefix}/${op}_${this.count++}`;
    const operands = inputs.map(({ id }) => id);
    this.graph.node(name, op, operands, attributes);
    return types.map(({ shape, dtype }, i) => ({
      id: i === 0 ? name : `${name}:${i}`,
      shape,
      dtype,
    }));
  }

  /** A node with one output. */
  node(
    op: string,
    inputs: readonly Ref[],
    attributes: Record<string, Attribute>,
    type: ValueType,
  ): Ref {
    return this.nodes(op, inputs, attributes, [type])[0]!;
  }

  /** A node that is fed, named `name` after the prefix. */
  placeholder(name: string, type: ValueType): Ref {
    const id = this.graph.node(`${this.prefix}/${name}`, 'Placeholder', [], {
      dtype: attribute.type(type.dtype),
      shape: attribute.shape(type.shape),
    });
    return { id, shape: type.shape, dtype: type.dtype };
  }

  constant(data: ConstantData, { shape, dtype }: ValueType): Ref {
    // Its numbers come as float32.
    if (dtype === 'bfloat16')
      return this.cast(this.constant(data, { shape, dtype: 'float32' }), dtype);
    const value = attribute.tensor(dtype, shape, data);
    return this.node('Const', [], { dtype: attribute.type(dtype), value }, { shape, dtype });
  }

  /** One value everywhere; equal ones are one node. */
  splat(value: number, type: ValueType): Ref {
    const { shape, dtype } = type;
    if (dtype === 'bfloat16' || dtype === 'uint8') {
      return this.cast(this.splat(value, { shape, dtype: 'float32' }), dtype);
    }
    return this.once(`${dtype}[${shape}] ${Object.is(value, -0) ? '-0' : value}`, () =>
      this.node(
        'Const',
        [],
        { dtype: attribute.type(dtype), value: attribute.splat(dtype, shape, value) },
        type,
      ),
    );
  }

  scalar(value: number, dtype: DType): Ref {
    return this.splat(value, { shape: [], dtype });
  }

  /** A list of integers, as TensorFlow takes shapes and axes. */
  integers(values: readonly number[]): Ref {
    return this.once(`list ${values}`, () =>
      this.constant(Int32Array.from(values), { shape: [values.length], dtype: 'int32' }),
    );
  }

  cast(x: Ref, dtype: DType): Ref {
    if (x.dtype === dtype) return x;
    const attributes = { SrcT: attribute.type(x.dtype), DstT: attribute.type(dtype) };
    return this.node('Cast', [x], attributes, { shape: x.shape, dtype });
  }

  reshape(x: Ref, shape: readonly number[]): Ref {
    if (sameShape(x.shape, shape)) return x;
    const attributes = { ...typeOf(x), Tshape: attribute.type('int32') };
    return this.node('Reshape', [x, this.integers(shape)], attributes, { shape, dtype: x.dtype });
  }

  /** x[begin … begin + shape …]. */
  slice(x: Ref, begin: readonly number[], shape: readonly number[]): Ref {
    const attributes = { ...typeOf(x), Index: attribute.type('int32') };
    const operands = [x, this.integers(begin), this.integers(shape)];
    return this.node('Slice', operands, attributes, { shape, dtype: x.dtype });
  }

  /** The parts joined along an axis. */
  concat(parts: readonly Ref[], axis: number): Ref {
    const [{ shape, dtype }] = parts as [Ref];
    const length = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    const attributes = {
      ...typeOf({ dtype }),
      N: attribute.integer(parts.length),
      Tidx: attribute.type('int32'),
    };
    const operands = [...parts, this.scalar(axis, 'int32')];
    return this.node('ConcatV2', operands, attributes, { shape: shape.with(axis, length), dtype });
  }

  /** x in parts of these lengths along an axis. */
  split(x: Ref, axis: number, sizes: readonly number[]): Ref[] {
    const attributes = {
      ...typeOf(x),
      num_split: attribute.integer(sizes.length),
      Tlen: attribute.type('int32'),
    };
    const operands = [x, this.integers(sizes), this.scalar(axis, 'int32')];
    const types = sizes.map((size) => ({ shape: x.shape.with(axis, size), dtype: x.dtype }));
    return this.nodes('SplitV', operands, attributes, types);
  }

  private once(key: string, make: () => Ref): Ref {
    const known = this.constants.get(key) ?? make();
    this.constants.set(key, known);
    return known;
  }
}

/** The attribute that nearly every TensorFlow op has. */
export function typeOf({ dtype }: Pick<ValueType, 'dtype'>): { T: Attribute } {
  return { T: attribute.type(dtype) };
}

/**
 * One TensorFlow op of another name, with `T`.
 *
 * @param attributes its others
 * @param operands which of the node's it takes, in its order (default: all, as they are); `shape` is its result's
 */
export function one<K extends Op>(
  name: string,
  attributes: (attrs: OpAttributes[K]) => Record<string, Attribute> = () => ({}),
  operands?: readonly (number | 'shape')[],
): Lowering<K> {
  return (context, inputs, node) => {
    const taken = operands?.map((i) =>
      i === 'shape' ? context.integers(node.outputs[0]!.shape) : inputs[i]!,
    );
    const all = { ...typeOf(inputs[0]!), ...attributes(node.attrs) };
    return context.nodes(name, taken ?? inputs, all, node.outputs);
  };
}

/** The first result's type. */
export function resultOf(node: Node): Value {
  return node.outputs[0]!;
}
