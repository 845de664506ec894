import type { Block } from './graph.js';

/** One column a class, 1 for an example's label and 0 elsewhere, [n, classes]. With ±1 the argmax is the same. */
export function oneHot(labels: Int32Array, classes: number): Block {
  const data = new Float64Array(labels.length * classes);
  for (const [i, label] of labels.entries()) data[i * classes + label] = 1;
  return { rows: labels.length, columns: classes, data };
}

/** Fraction of rows whose largest score is not the label's. */
export function errorRate({ data, rows, columns }: Block, labels: Int32Array): number {
  let wrong = 0;
  for (let i = 0; i < rows; i++) {
    const scores = data.subarray(i * columns, (i + 1) * columns);
    if (scores.indexOf(Math.max(...scores)) !== labels[i]) wrong++;
  }
  return wrong / rows;
}
