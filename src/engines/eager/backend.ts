import * as tf from '@tensorflow/tfjs-core';

/** Runs `task` at once when `name` is tfjs' current backend; another session may have chosen its own meanwhile. */
export async function onBackend<T>(name: string, task: () => T): Promise<T> {
  // Choosing comes back a tick later, in which somebody else may choose: nothing is awaited after the last look.
  while (tf.getBackend() !== name) await tf.setBackend(name);
  return task();
}
