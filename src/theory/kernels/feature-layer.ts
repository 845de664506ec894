import type * as tf from '@tensorflow/tfjs-core';

/** Makes features, [batch, …], of images, [batch, height, width, channels] in 0…1. */
export interface FeatureLayer {
  apply(images: tf.Tensor4D): tf.Tensor;
  dispose(): void;
}
