import * as tf from '@tensorflow/tfjs-core';

let registered = false;

/** Registers the one kernel that training convolutions needs and tfjs' wasm backend lacks. */
export function registerConv2DBackpropFilter(): void {
  if (registered) return;
  registered = true;
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { strides, pad, dimRoundingMode, filterShape } =
        attrs as unknown as tf.Conv2DBackpropFilterAttrs;
      const [x, dy] = [inputs.x, inputs.dy] as [tf.Tensor4D, tf.Tensor4D];
      const geometry = tf.backend_util.computeConv2DInfo(
        x.shape,
        filterShape,
        strides,
        1,
        pad,
        dimRoundingMode,
      );
      return tf.tidy(() => filterGradient(x, dy, geometry));
    },
  });
}

/**
 * The gradient of a convolution with respect to its filter: for each row of the filter, the strips of the image that it
 * saw (im2col, [width · inChannels, positions]) times the gradient ([positions, outChannels]). A row at a time, so that
 * the strips take a filter's width of the image's memory and not its area.
 *
 * @param x [batch, height, width, inChannels].
 * @param dy [batch, outHeight, outWidth, outChannels].
 * @returns [filterHeight, filterWidth, inChannels, outChannels].
 */
function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  geometry: tf.backend_util.Conv2DInfo,
): tf.Tensor4D {
  const { inChannels, outChannels, filterHeight, filterWidth, batchSize } = geometry;
  const positions = batchSize * geometry.outHeight * geometry.outWidth;
  // Channels first: a strip is then contiguous rows, and the product needs no transposed operand, which wasm does
  // slowly.
  const planes = tf.transpose(tf.pad(x, padding(geometry)), [3, 0, 1, 2]) as tf.Tensor4D;
  const gradient = tf.reshape(dy, [positions, outChannels]) as tf.Tensor2D;
  const rows = Array.from({ length: filterHeight }, (_, row) =>
    tf.tidy(() => {
      const strips = Array.from({ length: filterWidth }, (_, column) =>
        tf.reshape(strip(planes, row, column, geometry), [inChannels, positions]),
      );
      return tf.matMul(tf.concat(strips, 0) as tf.Tensor2D, gradient);
    }),
  );
  return tf.reshape(tf.concat(rows, 0), [filterHeight, filterWidth, inChannels, outChannels]);
}

/** Zeros around the image so that every filter position lies inside it. */
function padding(geometry: tf.backend_util.Conv2DInfo): [number, number][] {
  const { top, bottom, left, right } = geometry.padInfo;
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

/** What one tap of the filter saw: [inChannels, batch, outHeight, outWidth]. */
function strip(
  planes: tf.Tensor4D,
  row: number,
  column: number,
  geometry: tf.backend_util.Conv2DInfo,
): tf.Tensor4D {
  const { inChannels, batchSize, outHeight, outWidth, strideHeight, strideWidth } = geometry;
  return tf.stridedSlice(
    planes,
    [0, 0, row, column],
    [
      inChannels,
      batchSize,
      row + (outHeight - 1) * strideHeight + 1,
      column + (outWidth - 1) * strideWidth + 1,
    ],
    [1, 1, strideHeight, strideWidth],
  ) as tf.Tensor4D;
}
