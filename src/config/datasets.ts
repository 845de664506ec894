import { KeyError } from './problems.js';

/** What is known of a data set by its name alone; how it is found and read stands in `src/data/datasets.ts`. */
export interface DatasetRow {
  /** For people. */
  label: string;
  /**
   * Where its images come from: `generated` by the program, `published` by their authors and the same for everyone, or the
   * user's `own`: a folder or archive of images of any size; or the user's `arrays`, whose images have one size.
   */
  images: 'generated' | 'published' | 'own' | 'arrays';
}

/** The data sets, in the order in which they are listed. */
export const DATASETS = {
  synthetic: { label: 'synthetic images', images: 'generated' },
  cifar10: { label: 'CIFAR-10', images: 'published' },
  cifar100: { label: 'CIFAR-100', images: 'published' },
  mnist: { label: 'MNIST', images: 'published' },
  'fashion-mnist': { label: 'Fashion-MNIST', images: 'published' },
  imagetree: { label: 'an image tree', images: 'own' },
  imagenet: { label: 'ImageNet', images: 'own' },
  arrays: { label: 'arrays', images: 'arrays' },
} as const satisfies Record<string, DatasetRow>;

type Rows = typeof DATASETS;
export type DatasetName = keyof Rows;
/** The data sets whose images come from there. */
export type DatasetsOf<I extends DatasetRow['images']> = {
  [N in DatasetName]: Rows[N]['images'] extends I ? N : never;
}[DatasetName];
export type PublishedName = DatasetsOf<'published'>;
export type OwnName = DatasetsOf<'own'>;

export const DATASET_NAMES = Object.keys(DATASETS) as DatasetName[];
export const PUBLISHED_NAMES = DATASET_NAMES.filter(isPublished);
export const OWN_NAMES = DATASET_NAMES.filter(hasOwnImages);

export function isDataset(name: string): name is DatasetName {
  return Object.hasOwn(DATASETS, name);
}

export function isPublished(name: string): name is PublishedName {
  return isDataset(name) && DATASETS[name].images === 'published';
}

/** Whether a data set is one of encoded images that the user brings, or was packed from one. */
export function hasOwnImages(name: string): name is OwnName {
  return isDataset(name) && DATASETS[name].images === 'own';
}

/** A data set for people; a name that isn't known is its own label. */
export function dataLabel(name: string): string {
  return isDataset(name) ? DATASETS[name].label : name;
}

/** Keys that are for images of the user's own, and why others have no use for them. */
const OWN_KEYS = {
  size: 'the images of this data set have one size',
  subset: 'data.limit takes a part of this data set',
  memory: 'this data set is always held in memory',
} as const;

/** @throws KeyError for a key of `data` that this data set has no use for. */
export function checkDataKeys(
  data: { name: DatasetName; dir?: string | undefined } & {
    [K in keyof typeof OWN_KEYS]?: unknown;
  },
): void {
  const { name, dir } = data;
  const { images } = DATASETS[name];
  if (images === 'own') return;
  if (images === 'generated' && dir !== undefined) {
    throw new KeyError('data.dir', `is ${dir}, but ${name} data is generated.`, {
      hint: 'Leave data.dir out, or name the data set that lies there.',
    });
  }
  const keys = Object.keys(OWN_KEYS) as (keyof typeof OWN_KEYS)[];
  const key = keys.find((key) => data[key] !== undefined);
  if (key === undefined) return;
  const owners = OWN_NAMES.join(' and ');
  throw new KeyError(`data.${key}`, `is for ${owners}, and data.name is ${name}.`, {
    hint: `Leave data.${key} out: ${OWN_KEYS[key]}.`,
  });
}
