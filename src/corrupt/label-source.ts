import { imagesAt } from '../data/stored/stored.js';
import type { Dataset, Images, SplitName } from '../data/types.js';
import type { Watching } from '../progress.js';
import type { LabelSource } from './kinds.js';

/** A data set as `readGiven` looks at it. */
export function labelSource(dataset: Dataset<Images>, watching: Watching = {}): LabelSource {
  const { info, train, test, wholeTrain = train } = dataset;
  const bytes = info.height * info.width * info.channels;
  return {
    ...watching,
    info,
    splits: { train, test },
    images: async (split: SplitName) => (positions) =>
      imagesAt(dataset[split].images, positions, bytes),
    wholeTrain: () => wholeTrain,
  };
}
