import { sizeOf } from '../../../shape.js';
import { type ConstantData, sameShape } from '../../trace/graph.js';
import { broadcastShapes } from '../../trace/types/rule.js';
import type { ElementType } from '../pjrt/layout.js';
import {
  identityOf,
  isFloat,
  type Reducer,
  type Ref,
  scalarLiteral,
  tensorType,
  typeOf,
} from './text.js';

/** Low and high padding of each axis. */
export type Pads = readonly (readonly [number, number])[];

export type Direction = 'EQ' | 'NE' | 'GT' | 'GE' | 'LT' | 'LE';

/**
 * Writes the body of one StableHLO function, op by op. Every method adds ops and returns their result; shapes are
 * worked out here so that the text is well typed.
 */
export class Emitter {
  readonly lines: string[] = [];
  private readonly scalars = new Map<string, Ref>();
  private count = 0;

  /** @param prefix of value names: two bodies in one function must not share names. */
  constructor(private readonly prefix = 'v') {}

  /** Adds `text`, an op with one result. */
  emit(text: string, shape: readonly number[], type: ElementType): Ref {
    const id = `%${this.prefix}${this.count++}`;
    this.lines.push(`${id} = ${text}`);
    return { id, shape, type };
  }

  /** Adds an op whose result may be of another type than its operands: `rest` stands between these and the types. */
  op(
    name: string,
    operands: readonly Ref[],
    rest: string,
    shape: readonly number[],
    type: ElementType = operands[0]!.type,
  ): Ref {
    const ids = operands.map(({ id }) => id).join(', ');
    const types = `(${operands.map(typeOf).join(', ')}) -> ${tensorType(shape, type)}`;
    return this.emit(`stablehlo.${name} ${ids}${rest} : ${types}`, shape, type);
  }

  scalar(value: number, type: ElementType): Ref {
    const literal = scalarLiteral(value, type);
    const key = `${type}:${literal}`;
    let known = this.scalars.get(key);
    if (known === undefined) {
      const text = `stablehlo.constant dense<${literal}> : ${tensorType([], type)}`;
      known = this.emit(text, [], type);
      this.scalars.set(key, known);
    }
    return known;
  }

  splat(value: number, shape: readonly number[], type: ElementType): Ref {
    return this.broadcastTo(this.scalar(value, type), shape);
  }

  /** All elements, row-major; booleans as 0 and 1. */
  constant(data: ConstantData, shape: readonly number[], type: ElementType): Ref {
    const text = (literal: string) =>
      `stablehlo.constant dense<${literal}> : ${tensorType(shape, type)}`;
    if (data.length === 0) return this.emit(text(''), shape, type);
    if (type === 'i1' || type === 'bf16') {
      // Not byte-sized in MLIR's hexadecimal form, or not what the host holds: written by way of bytes or float32.
      const wide = this.constant(data, shape, type === 'i1' ? 'ui8' : 'f32');
      return type === 'i1'
        ? this.compare('NE', wide, this.scalar(0, 'ui8'))
        : this.convert(wide, type);
    }
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return this.emit(text(`"0x${bytes.toString('hex').toUpperCase()}"`), shape, type);
  }

  unary(op: string, x: Ref): Ref {
    return this.emit(`stablehlo.${op} ${x.id} : ${typeOf(x)}`, x.shape, x.type);
  }

  /** A binary op with NumPy broadcasting. */
  binary(op: string, a: Ref, b: Ref): Ref {
    const shape = broadcastShapes(a.shape, b.shape);
    const [x, y] = [this.broadcastTo(a, shape), this.broadcastTo(b, shape)];
    return this.emit(`stablehlo.${op} ${x.id}, ${y.id} : ${typeOf(x)}`, shape, a.type);
  }

  add(a: Ref, b: Ref): Ref {
    return this.binary('add', a, b);
  }

  subtract(a: Ref, b: Ref): Ref {
    return this.binary('subtract', a, b);
  }

  multiply(a: Ref, b: Ref): Ref {
    return this.binary('multiply', a, b);
  }

  divide(a: Ref, b: Ref): Ref {
    return this.binary('divide', a, b);
  }

  /** x · factor. */
  scale(x: Ref, factor: number): Ref {
    return this.multiply(x, this.scalar(factor, x.type));
  }

  compare(direction: Direction, a: Ref, b: Ref): Ref {
    const shape = broadcastShapes(a.shape, b.shape);
    const kind = isFloat(a.type) ? 'FLOAT' : a.type === 'i32' ? 'SIGNED' : 'UNSIGNED';
    const pair = [this.broadcastTo(a, shape), this.broadcastTo(b, shape)];
    return this.op(`compare ${direction},`, pair, `, ${kind}`, shape, 'i1');
  }

  select(condition: Ref, a: Ref, b: Ref): Ref {
    const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape));
    const [c, x, y] = [condition, a, b].map((ref) => this.broadcastTo(ref, shape)) as [
      Ref,
      Ref,
      Ref,
    ];
    return this.emit(
      `stablehlo.select ${c.id}, ${x.id}, ${y.id} : ${typeOf(c)}, ${typeOf(x)}`,
      shape,
      a.type,
    );
  }

  convert(x: Ref, type: ElementType): Ref {
    return x.type === type ? x : this.op('convert', [x], '', x.shape, type);
  }

  reshape(x: Ref, shape: readonly number[]): Ref {
    return sameShape(x.shape, shape) ? x : this.op('reshape', [x], '', shape);
  }

  /** NumPy's broadcast: axes are matched from the last. */
  broadcastTo(x: Ref, shape: readonly number[]): Ref {
    if (sameShape(x.shape, shape)) return x;
    const offset = shape.length - x.shape.length;
    const axes = x.shape.map((_, i) => i + offset);
    return this.broadcastAxes(x, shape, axes);
  }

  /** Axis i of x becomes axis axes[i] of the result; as they are unless given. */
  broadcastAxes(
    x: Ref,
    shape: readonly number[],
    axes: readonly number[] = [...x.shape.keys()],
  ): Ref {
    return this.op('broadcast_in_dim', [x], `, dims = [${axes.join(', ')}]`, shape);
  }

  transpose(x: Ref, permutation: readonly number[]): Ref {
    const shape = permutation.map((axis) => x.shape[axis]!);
    return this.op('transpose', [x], `, dims = [${permutation.join(', ')}]`, shape);
  }

  reverse(x: Ref, axes: readonly number[]): Ref {
    const text = `stablehlo.reverse ${x.id}, dims = [${axes.join(', ')}] : ${typeOf(x)}`;
    return this.emit(text, x.shape, x.type);
  }

  /** `shape` elements of x from `low` on, every `strides`-th of them. */
  slice(
    x: Ref,
    low: readonly number[],
    shape: readonly number[],
    strides: readonly number[] = shape.map(() => 1),
  ): Ref {
    const ranges = low.map((start, i) => {
      const end = start + (shape[i]! - 1) * strides[i]! + 1;
      return strides[i] === 1 ? `${start}:${end}` : `${start}:${end}:${strides[i]}`;
    });
    return this.op('slice', [x], ` [${ranges.join(', ')}]`, shape);
  }

  concat(parts: readonly Ref[], axis: number): Ref {
    const [head] = parts as [Ref];
    if (parts.length === 1) return head;
    const shape = [...head.shape];
    shape[axis] = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    return this.op('concatenate', parts, `, dim = ${axis}`, shape);
  }

  /** `interior` elements go between neighbors; a negative pad cuts. */
  pad(x: Ref, value: number, pads: Pads, interior: readonly number[] = pads.map(() => 0)): Ref {
    const shape = x.shape.map((size, i) => {
      const inside = size + Math.max(0, size - 1) * interior[i]!;
      return inside + pads[i]![0] + pads[i]![1];
    });
    const fill = this.scalar(value, x.type);
    const low = pads.map((p) => p[0]).join(', ');
    const high = pads.map((p) => p[1]).join(', ');
    const around = `, low = [${low}], high = [${high}], interior = [${interior.join(', ')}]`;
    return this.op('pad', [x, fill], around, shape);
  }

  /** 0, 1, 2, … along `axis`. */
  iota(axis: number, shape: readonly number[]): Ref {
    const text = `stablehlo.iota dim = ${axis} : ${tensorType(shape, 'i32')}`;
    return this.emit(text, shape, 'i32');
  }

  reduce(op: Reducer, x: Ref, axes: readonly number[]): Ref {
    if (axes.length === 0) return x;
    const shape = x.shape.filter((_, i) => !axes.includes(i));
    const start = this.scalar(identityOf(op, x.type), x.type);
    const types = `(${typeOf(x)}, ${typeOf(start)}) -> ${tensorType(shape, x.type)}`;
    return this.emit(
      `stablehlo.reduce(${x.id} init: ${start.id}) applies stablehlo.${op} across dimensions = [${axes.join(', ')}] : ${types}`,
      shape,
      x.type,
    );
  }

  /** Sums of several arrays of one shape and type over the same axes, in one pass over them. */
  sumTogether(arrays: readonly Ref[], axes: readonly number[]): Ref[] {
    const [head] = arrays as [Ref];
    const shape = head.shape.filter((_, i) => !axes.includes(i));
    const element = tensorType([], head.type);
    const names = (prefix: string) => arrays.map((_, i) => `%${prefix}${i}`);
    const listed = (each: readonly string[]) => each.join(', ');
    const typed = (type: string) => listed(arrays.map(() => type));
    const operands = [...arrays, ...arrays.map(() => this.scalar(0, head.type))];
    const id = `%${this.prefix}${this.count++}`;
    this.lines.push(
      `${id}:${arrays.length} = "stablehlo.reduce"(${listed(operands.map((ref) => ref.id))}) <{dimensions = array<i64: ${listed(axes.map(String))}>}> ({
^bb0(${listed([...names('x'), ...names('y')].map((name) => `${name}: ${element}`))}):
${arrays.map((_, i) => `%z${i} = stablehlo.add %x${i}, %y${i} : ${element}`).join('\n')}
  stablehlo.return ${listed(names('z'))} : ${typed(element)}
}) : (${listed(operands.map(typeOf))}) -> (${typed(tensorType(shape, head.type))})`,
    );
    return arrays.map((_, i) => ({ id: `${id}#${i}`, shape, type: head.type }));
  }

  /** Reduces each window of `size` at each of `strides`, over x padded with the reducer's identity. */
  reduceWindow(
    op: Reducer,
    x: Ref,
    size: readonly number[],
    strides: readonly number[],
    pads: Pads,
  ): Ref {
    const shape = x.shape.map(
      (n, i) => Math.floor((n + pads[i]![0] + pads[i]![1] - size[i]!) / strides[i]!) + 1,
    );
    const start = this.scalar(identityOf(op, x.type), x.type);
    const element = tensorType([], x.type);
    const padding = `dense<[${pads.map((p) => `[${p.join(', ')}]`).join(', ')}]> : tensor<${pads.length}x2xi64>`;
    return this.emit(
      `"stablehlo.reduce_window"(${x.id}, ${start.id}) <{padding = ${padding}, window_dimensions = array<i64: ${size.join(', ')}>, window_strides = array<i64: ${strides.join(', ')}>}> ({
^bb0(%x: ${element}, %y: ${element}):
  %z = stablehlo.${op} %x, %y : ${element}
  stablehlo.return %z : ${element}
}) : (${typeOf(x)}, ${element}) -> ${tensorType(shape, x.type)}`,
      shape,
      x.type,
    );
  }
}

/** Count of elements reduced over. */
export function reducedCount(shape: readonly number[], axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => shape[axis]!));
}
