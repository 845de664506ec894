import { bytes, type Field, float, integer, mapEntry } from '../../../protobuf.js';
import { sizeOf } from '../../../shape.js';
import type { ConstantData, DType } from '../../trace/graph.js';

/** Dtypes of TensorFlow that a graph here has, beyond the tracer's. */
export type TensorType = DType | 'float64' | 'resource';

/** Numbers of tensorflow/core/framework/types.proto. */
export const TYPE_NUMBERS: Record<TensorType, number> = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  bool: 10,
  bfloat16: 14,
  resource: 20,
};

/** An encoded AttrValue. */
export type Attribute = Field;

function shapeFields(shape: readonly number[]): Field[] {
  return shape.map((d) => bytes(2, integer(1, d)));
}

function tensorFields(dtype: DType, shape: readonly number[], content: Field): Field[] {
  return [integer(1, TYPE_NUMBERS[dtype]), bytes(2, ...shapeFields(shape)), content];
}

/** Values of node attributes. */
export const attribute = {
  string: (value: string): Attribute => bytes(2, value),
  integer: (value: number): Attribute => integer(3, value),
  float: (value: number): Attribute => float(4, value),
  bool: (value: boolean): Attribute => integer(5, value),
  type: (dtype: TensorType): Attribute => integer(6, TYPE_NUMBERS[dtype]),
  shape: (shape: readonly number[]): Attribute => bytes(7, ...shapeFields(shape)),
  integers: (values: readonly number[]): Attribute =>
    bytes(1, ...values.map((value) => integer(3, value))),
  /** All elements, row-major. */
  tensor(dtype: DType, shape: readonly number[], data: ConstantData): Attribute {
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return bytes(8, ...tensorFields(dtype, shape, bytes(4, content)));
  },
  /** One value everywhere: TensorFlow repeats the last value it is given. */
  splat(dtype: 'float32' | 'int32' | 'bool', shape: readonly number[], value: number): Attribute {
    if (sizeOf(shape) === 0) return bytes(8, ...tensorFields(dtype, shape, bytes(4)));
    const content = {
      float32: () => float(5, value),
      int32: () => integer(7, value),
      bool: () => integer(11, value),
    };
    return bytes(8, ...tensorFields(dtype, shape, content[dtype]()));
  },
};

/** Writes the nodes of a GraphDef. */
export class GraphDefWriter {
  private readonly nodes: Field[] = [];
  private readonly names = new Set<string>();

  /**
   * Adds a node.
   *
   * @param inputs `name`, `name:output`, or `^name` for a control dependency (those last)
   * @returns its name
   */
  node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    if (this.names.has(name)) throw new Error(`two nodes are named ${name}`);
    this.names.add(name);
    this.nodes.push(
      bytes(
        1,
        bytes(1, name),
        bytes(2, op),
        ...inputs.map((input) => bytes(3, input)),
        ...Object.entries(attributes).map(([key, value]) => mapEntry(5, key, [value])),
      ),
    );
    return name;
  }

  get size(): number {
    return this.nodes.length;
  }

  /** The fields of the GraphDef. */
  fields(): Field[] {
    return [...this.nodes, bytes(4, integer(1, PRODUCER))];
  }
}

/** A GraphDef that doesn't say which version wrote it gets the semantics of decades ago. */
const PRODUCER = 1882;
