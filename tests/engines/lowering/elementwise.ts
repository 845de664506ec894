import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import {
  type Bench,
  given,
  integers,
  normal,
  type TensorFunction,
  type TestInput,
  ties,
} from './lowering.js';

const toFloat = (x: tf.Tensor) => tf.cast(x, 'float32');
const special = given([-2.5, -1, -0, 0, 0.3, 1, 7, Number.NaN, Infinity, -Infinity]);
const positive = given([1e-6, 0.1, 0.5, 1, 2, 30]);
const any = given([-30, -2, -0.5, 0, 0.5, 2, 30]);

/** Kernels that compute element by element, reduce, or move elements. */
export function testElementwise(bench: Bench): void {
  it.each<[string, (x: tf.Tensor) => tf.Tensor, TestInput]>([
    ['abs', tf.abs, special],
    ['neg', tf.neg, special],
    ['relu', tf.relu, any],
    ['step', (x) => tf.step(x, 0.25), given([-1, 0, 2, Number.NaN])],
    ['square', tf.square, any],
    ['isNaN', (x) => toFloat(tf.isNaN(x)), special],
    ['isFinite', (x) => toFloat(tf.isFinite(x)), special],
    ['to int', (x) => toFloat(tf.cast(x, 'int32')), given([-2.7, -0.2, 0, 0.9, 3.2])],
    ['to bool', (x) => toFloat(tf.cast(x, 'bool')), given([-2.7, 0, -0, 0.1])],
    ['not', (x) => toFloat(tf.logicalNot(tf.cast(x, 'bool'))), given([0, 1, 2])],
  ])('%s, exactly', (_, f, input) => bench.same((x) => [f(x!)], [input]));

  it.each<[string, (x: tf.Tensor) => tf.Tensor, TestInput]>([
    ['exp', tf.exp, any],
    ['log', tf.log, positive],
    ['log1p', tf.log1p, positive],
    ['sqrt', tf.sqrt, positive],
    ['rsqrt', tf.rsqrt, positive],
    ['reciprocal', tf.reciprocal, positive],
    ['sigmoid', tf.sigmoid, any],
    ['softplus', tf.softplus, any],
    ['tanh', tf.tanh, any],
    ['softmax', (x) => tf.softmax(tf.reshape(x, [2, 3])), positive],
    ['logSoftmax', (x) => tf.logSoftmax(tf.reshape(x, [2, 3])), positive],
  ])('%s, to rounding', (_, f, input) => bench.same((x) => [f(x!)], [input], 1e-6));

  it.each<[string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor]>([
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
    ['pow', (a, b) => tf.pow(tf.abs(a), b)],
    ['equal', (a, b) => toFloat(tf.equal(tf.step(a), tf.step(b)))],
    ['greater', (a, b) => toFloat(tf.greater(a, b))],
    ['lessEqual', (a, b) => toFloat(tf.lessEqual(a, b))],
    ['where', (a, b) => tf.where(tf.greater(a, b), tf.add(a, tf.mul(b, 0)), tf.add(a, b))],
    ['and', (a, b) => toFloat(tf.logicalAnd(tf.greater(a, 0), tf.less(b, 0)))],
    ['or', (a, b) => toFloat(tf.logicalOr(tf.greater(a, 0), tf.less(b, 0)))],
  ])('%s broadcasts', async (_, f) => {
    for (const other of [normal(3, 3, 5), normal(4, 5), normal(5, 1), normal(6, 2, 1, 5)]) {
      await bench.same((a, b) => [f(a!, b!)], [normal(2, 3, 1), other], 1e-6);
    }
  });

  it.each<[string, (x: tf.Tensor, axis: number[], keep: boolean) => tf.Tensor]>([
    ['sum', tf.sum],
    ['mean', tf.mean],
    ['max', tf.max],
    ['min', tf.min],
    ['all', (x, axis, keep) => toFloat(tf.all(tf.greater(x, -1), axis, keep))],
    ['any', (x, axis, keep) => toFloat(tf.any(tf.greater(x, 1), axis, keep))],
  ])('%s over any axes', async (_, f) => {
    for (const axes of [[0], [2], [0, 2], [0, 1], [1, 2], [0, 1, 2]]) {
      for (const keep of [false, true]) {
        await bench.same((t) => [f(t!, axes, keep)], [normal(7, 3, 4, 5)], 1e-6);
      }
    }
  });

  it('sums of squares, as the fused loss and in part', async () => {
    const f: TensorFunction = (x) => [tf.sum(tf.square(x!)), tf.sum(tf.square(x!), 0)];
    await bench.same(f, [normal(1, 7, 9)], 1e-6);
  });

  it('argMax takes the first of equals, on every axis', async () => {
    for (const axis of [0, 1, 2]) {
      await bench.same((t) => [toFloat(tf.argMax(t!, axis))], [ties(8, 3, 4, 5, 6)]);
    }
  });

  it('argMax of a row with NaN is an index', async () => {
    const f: TensorFunction = (x) => [tf.argMax(x!, 1)];
    const { compiled } = await bench.both(f, [given([1, Number.NaN, 2], [1, 3])], 'float32');
    expect([0, 1, 2]).toContain(compiled[0]![0]);
  });

  it('moves elements: reshape, transpose, concat, stack, split, slice, pad, oneHot', async () => {
    const x = normal(9, 2, 3, 4);
    const paddings: [number, number][] = [
      [1, 0],
      [0, 2],
      [3, 1],
    ];
    const moves: TensorFunction[] = [
      (t) => [tf.reshape(t!, [6, -1]), tf.transpose(t!, [2, 0, 1])],
      (t) => [tf.concat([t!, tf.mul(t!, 2), t!], 1), tf.expandDims(t!, 1)],
      (t) => [tf.stack([t!, tf.neg(t!)], 1)],
      (t) => tf.split(t!, [1, 0, 3], 2),
      (t) => [tf.slice(t!, [1, 0, 2], [1, 3, 2])],
      (t) => [tf.pad(t!, paddings, -7)],
    ];
    for (const move of moves) await bench.same(move, [x]);
    const oneHot: TensorFunction = (t) => [tf.oneHot(t as tf.Tensor1D, 4, 2, -1)];
    await bench.same(oneHot, [integers([3, 0, -1, 4, 2])]);
  });

  it('gathers and replaces rows', async () => {
    const rows = integers([3, 0, 3, 1]);
    const gather: TensorFunction = (x, at) => [tf.gather(x!, at as tf.Tensor1D)];
    for (const x of [normal(1, 4), normal(2, 4, 3), normal(3, 4, 2, 3, 2)]) {
      await bench.same(gather, [x, rows]);
    }
    await bench.same(
      (x, at) => [tf.gather(x!, at as tf.Tensor1D)],
      [integers([7, -8, 9, 10]), rows],
    );
    const replace: TensorFunction = (x, at, y) => [
      tf.tensorScatterUpdate(x!, tf.expandDims(at!, 1), y!),
    ];
    const once = integers([3, 0, 2]);
    await bench.same(replace, [normal(4, 5, 3), once, normal(5, 3, 3)]);
    await bench.same(replace, [normal(6, 5), once, normal(7, 3)]);
  });

  it('embeds constants: floats, integers, booleans, infinities', async () => {
    const f: TensorFunction = (x) => [
      tf.add(x!, tf.tensor1d([1.1, -2.2e-30, 3.3e30])),
      toFloat(tf.mul(tf.cast(x!, 'int32'), tf.tensor1d([3, -4, 5], 'int32'))),
      tf.where(tf.tensor1d([true, false, true], 'bool'), x!, tf.fill([3], -Infinity)),
      tf.fill([3], 2.5),
    ];
    await bench.same(f, [given([1, 2, 3])]);
  });
}
