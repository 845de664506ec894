import type { Images } from '../data/types.js';
import type { ExampleLabels } from '../results/examples.js';
import type { PreparedData } from './data.js';

/** What is known of the training examples before the first step. */
export function exampleLabels({ data, info }: PreparedData<Images>): ExampleLabels {
  const { indices, trueLabels, labels, labelDrawn, labelChanged } = data.train;
  return {
    index: indices,
    true_label: trueLabels,
    given_label: labels,
    drawn: labelDrawn,
    changed: labelChanged,
    classes: info.classes,
    source: Math.max(
      info.subset?.of.train ?? info.counts.train,
      indices.reduce((most, index) => Math.max(most, index + 1), 0),
    ),
  };
}
