import type * as tf from '@tensorflow/tfjs-core';
import type { FeatureName } from '../../config/theory.js';
import type { CorruptedSplit } from '../../corrupt/index.js';
import type { ImageSize } from '../../data/types.js';
import { CompiledFunction } from '../../engines/tensorflow/function.js';
import { RethinkError } from '../../errors.js';
import { breathe, type FeatureLayer, type TheoryContext } from '../context.js';
import { gaborLayer } from './gabor.js';
import type { Rows } from './graph.js';
import { randomConvLayer } from './random-conv.js';

/** Numbers in the largest intermediate of a batch, about 256 MB. */
const BATCH_NUMBERS = 64e6;

/**
 * Features of both splits in float32, `random-conv` and `gabor` standardized by the training set's statistics. Needs the
 * engine tensorflow to be loaded.
 *
 * @throws RethinkError (`usage`) where the images don't suit the features.
 */
export async function extractFeatures(
  context: TheoryContext,
): Promise<{ train: Rows; test: Rows; filters: number | null }> {
  const { prepared, theory } = context;
  const { info, data } = prepared;
  if (theory.features === 'pixels') {
    return { train: pixels(data.train, info), test: pixels(data.test, info), filters: null };
  }
  const layer = makeLayer(context);
  const { filters } = layer;
  const batch = Math.max(1, Math.floor(BATCH_NUMBERS / (filters * info.height * info.width)));
  const train = await applyInBatches(context, layer, data.train, batch, 'train');
  const test = await applyInBatches(context, layer, data.test, batch, 'test');
  standardize(train, test);
  return { train, test, filters };
}

function makeLayer({ prepared, theory, config }: TheoryContext): FeatureLayer {
  const { height, width, channels } = prepared.info;
  if (theory.features === 'gabor') {
    if (channels !== 1) throw unsuitable('gabor', `have ${channels} channels, not one`);
    return gaborLayer();
  }
  if (Math.min(height, width) < 8) throw unsuitable('random-conv', `are ${height}×${width}`);
  return randomConvLayer(prepared.info, theory.filters, config.seeds.init);
}

function unsuitable(features: FeatureName, why: string): RethinkError {
  return new RethinkError('usage', `theory.features is ${features}, and the images ${why}.`, {
    hint: 'gabor is for images of one channel, random-conv for those of at least 8×8 pixels.',
  });
}

/** Whole images as they are, bytes/255. */
function pixels({ images, count }: CorruptedSplit, { height, width, channels }: ImageSize): Rows {
  const data = Float32Array.from(images, (byte) => byte / 255);
  return { data, rows: count, columns: height * width * channels };
}

async function applyInBatches(
  context: TheoryContext,
  layer: FeatureLayer,
  { images, count }: CorruptedSplit,
  batch: number,
  split: string,
): Promise<Rows> {
  const { height, width, channels } = context.prepared.info;
  const size = height * width * channels;
  let rows: Rows | undefined;
  let compiled: { rows: number; features: CompiledFunction } | undefined;
  try {
    for (let from = 0; from < count; from += batch) {
      const to = Math.min(count, from + batch);
      const shape = [to - from, height, width, channels];
      // The last batch may be a smaller one, and a graph has fixed shapes.
      if (compiled?.rows !== to - from) {
        compiled?.features.dispose();
        compiled = { rows: to - from, features: compile(layer, shape) };
      }
      const data = Float32Array.from(images.subarray(from * size, to * size), (byte) => byte / 255);
      const values = await compiled.features.run([{ shape, data }, ...layer.weights]);
      const columns = values.length / (to - from);
      rows ??= { data: allocate(count * columns), rows: count, columns };
      rows.data.set(values, from * columns);
      await breathe(context, `features of ${split}`, to, count);
    }
    return rows!;
  } finally {
    compiled?.features.dispose();
  }
}

function compile({ weights, apply }: FeatureLayer, images: number[]): CompiledFunction {
  const shapes = [images, ...weights.map(({ shape }) => shape)];
  return CompiledFunction.compile(shapes, (...inputs) =>
    apply(...(inputs as [tf.Tensor4D, ...tf.Tensor4D[]])),
  );
}

function allocate(numbers: number): Float32Array {
  try {
    return new Float32Array(numbers);
  } catch (error) {
    throw new RethinkError(
      'failed',
      `The features need ${((4 * numbers) / 2 ** 30).toFixed(1)} GiB of memory in one piece, more than this machine gives.`,
      { hint: 'Use fewer theory.filters, or fewer images (data.limit).', cause: error },
    );
  }
}

/** Each feature to mean 0 and deviation 1 on the training set; one that is constant there becomes 0 everywhere. */
function standardize(train: Rows, test: Rows): void {
  const { columns } = train;
  const mean = new Float64Array(columns);
  const square = new Float64Array(columns);
  forEachNumber(train, (value, column) => {
    mean[column] = mean[column]! + value / train.rows;
  });
  forEachNumber(train, (value, column) => {
    square[column] = square[column]! + (value - mean[column]!) ** 2 / train.rows;
  });
  const scale = square.map((variance) => (variance > 1e-12 ? 1 / Math.sqrt(variance) : 0));
  for (const rows of [train, test]) {
    forEachNumber(rows, (value, column, at) => {
      rows.data[at] = (value - mean[column]!) * scale[column]!;
    });
  }
}

function forEachNumber(
  { data, columns }: Rows,
  visit: (value: number, column: number, at: number) => void,
): void {
  for (let at = 0; at < data.length; at += columns) {
    for (let column = 0; column < columns; column++) visit(data[at + column]!, column, at + column);
  }
}
