import { isPublished, type PublishedName } from '../../config/datasets.js';
import type { SplitName } from '../types.js';
import {
  CIFAR10_CLASSES,
  CIFAR100_CLASSES,
  CIFAR100_COARSE,
  FASHION_MNIST_CLASSES,
  MNIST_CLASSES,
} from './classes.js';
import type { CifarPart, IdxFile, PublishedSpec } from './types.js';

/** The authors' page of both CIFARs. */
const CIFAR_URL = 'https://www.cs.toronto.edu/~kriz/';
/** PaddlePaddle's copy of the version for Python, which its `vision.datasets` fetch. */
const PADDLE_URL = 'https://dataset.bj.bcebos.com/cifar/';
const CIFAR_SHAPE = { height: 32, width: 32, channels: 3, counts: { train: 50_000, test: 10_000 } };

const cifar10: PublishedSpec = {
  ...CIFAR_SHAPE,
  name: 'cifar10',
  classes: CIFAR10_CLASSES,
  forms: [
    {
      layout: 'cifar',
      urls: [CIFAR_URL],
      below: '',
      files: [
        {
          file: 'cifar-10-binary.tar.gz',
          bytes: 170_052_171,
          md5: 'c32a1d4ab5d03f1284b67883e8d87530',
          sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        },
      ],
      folder: 'cifar-10-batches-bin',
      labelBytes: 1,
      parts: [
        cifarPart('data_batch_1.bin', 'train', 10_000, '5dd7e06a14cb22eb9f671a540d1b7c25'),
        cifarPart('data_batch_2.bin', 'train', 10_000, '5ea93a67294ea407fff1d09f752e9692'),
        cifarPart('data_batch_3.bin', 'train', 10_000, '942cd6a4bcdd0dd3c604fbe906cb4421'),
        cifarPart('data_batch_4.bin', 'train', 10_000, 'ae636b3ba5c66a11e91e8cb52e771fcb'),
        cifarPart('data_batch_5.bin', 'train', 10_000, '53f37980c15c3d472c316c40844f3f0d'),
        cifarPart('test_batch.bin', 'test', 10_000, '803d5f7f4d78ea53de84dbe85f74fb6d'),
      ],
    },
    {
      layout: 'cifar-python',
      urls: [CIFAR_URL, PADDLE_URL],
      below: '',
      files: [
        {
          file: 'cifar-10-python.tar.gz',
          bytes: 170_498_071,
          md5: 'c58f30108f718f92721af3b95e74349a',
        },
      ],
      folder: 'cifar-10-batches-py',
      labels: 'labels',
      keras: {
        archives: ['cifar-10-batches-py-target_archive', 'cifar-10-batches-py.tar.gz'],
        folders: ['cifar-10-batches-py-target/cifar-10-batches-py'],
      },
      parts: [
        cifarPart('data_batch_1', 'train', 10_000, 'c99cafc152244af753f735de768cd75f'),
        cifarPart('data_batch_2', 'train', 10_000, 'd4bba439e000b95fd0a9bffe97cbabec'),
        cifarPart('data_batch_3', 'train', 10_000, '54ebc095f3ab1f0389bbae665268c751'),
        cifarPart('data_batch_4', 'train', 10_000, '634d18415352ddfa80567beed471001a'),
        cifarPart('data_batch_5', 'train', 10_000, '482c414d41f54cd18b22e5b47cb7c3cb'),
        cifarPart('test_batch', 'test', 10_000, '40351d587109b95175f43aff81a1287e'),
      ],
    },
    {
      layout: 'parquet',
      repositories: ['uoft-cs/cifar10', 'cifar10'],
      folder: 'plain_text',
      image: 'img',
      label: 'label',
    },
    { layout: 'store' },
  ],
};

const cifar100: PublishedSpec = {
  ...CIFAR_SHAPE,
  name: 'cifar100',
  classes: CIFAR100_CLASSES,
  forms: [
    {
      layout: 'cifar',
      urls: [CIFAR_URL],
      below: '',
      files: [
        {
          file: 'cifar-100-binary.tar.gz',
          bytes: 168_513_733,
          md5: '03b5dce01913d631647c71ecec9e9cb8',
        },
      ],
      folder: 'cifar-100-binary',
      labelBytes: 2,
      coarse: CIFAR100_COARSE,
      parts: [
        cifarPart('train.bin', 'train', 50_000, '6172c7755cfe09b2fe270c85cebc1b15'),
        cifarPart('test.bin', 'test', 10_000, '4499cfba6c016c1be1438163640a0898'),
      ],
    },
    {
      layout: 'cifar-python',
      urls: [CIFAR_URL, PADDLE_URL],
      below: '',
      files: [
        {
          file: 'cifar-100-python.tar.gz',
          bytes: 169_001_437,
          md5: 'eb9058c3a382ffc7106e4002c42a8d85',
        },
      ],
      folder: 'cifar-100-python',
      labels: 'fine_labels',
      keras: {
        archives: ['cifar-100-python-target_archive'],
        folders: ['cifar-100-python-target/cifar-100-python'],
      },
      parts: [
        cifarPart('train', 'train', 50_000, '16019d7e3df5f24257cddd939b257f8d'),
        cifarPart('test', 'test', 10_000, 'f0ef6b0ae62326f3e7ffdfab6717acfc'),
      ],
    },
    {
      layout: 'parquet',
      repositories: ['uoft-cs/cifar100', 'cifar100'],
      folder: 'cifar100',
      image: 'img',
      label: 'fine_label',
    },
    { layout: 'store' },
  ],
};

const IDX_SHAPE = { height: 28, width: 28, channels: 1, counts: { train: 60_000, test: 10_000 } };

const mnist: PublishedSpec = {
  ...IDX_SHAPE,
  name: 'mnist',
  classes: MNIST_CLASSES,
  forms: [
    {
      layout: 'idx',
      below: 'mnist',
      // The authors' own page has answered with errors for years: PyTorch's copy, and the one TensorFlow Datasets fetch.
      urls: [
        'https://ossci-datasets.s3.amazonaws.com/mnist/',
        'https://storage.googleapis.com/cvdf-datasets/mnist/',
      ],
      folders: ['mnist', 'MNIST/raw'],
      files: idxFiles([
        [9_912_422, 'f68b3c2dcbeaaa9fbdd348bbdeb94873', '6bbc9ace898e44ae57da46a324031adb'],
        [28_881, 'd53e105ee54ea40749a09fcbcd1e9432', 'a25bea736e30d166cdddb491f175f624'],
        [1_648_877, '9fb629c4189551a2d022fa330f9573f3', '2646ac647ad5339dbf082846283269ea'],
        [4_542, 'ec29112dd5afa0611ce80d1b7f02629c', '27ae3e4e09519cfbb04c329615203637'],
      ]),
    },
  ],
};

const fashionMnist: PublishedSpec = {
  ...IDX_SHAPE,
  name: 'fashion-mnist',
  classes: FASHION_MNIST_CLASSES,
  forms: [
    {
      layout: 'idx',
      below: 'fashion-mnist',
      urls: [
        'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
        // Keras'.
        'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
      ],
      folders: ['fashion-mnist', 'FashionMNIST/raw'],
      files: idxFiles([
        [26_421_880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d', 'f4a8712d7a061bf5bd6d2ca38dc4d50a'],
        [29_515, '25c81989df183df01b3e8a0aad5dffbe', '9018921c3c673c538a1fc5bad174d6f9'],
        [4_422_102, 'bef4ecab320f06d8554ea6380940ec79', '8181f5470baa50b63fa0f6fddb340f0a'],
        [5_148, 'bb300cfdad3c16e7a12a480ee83cd310', '15d484375f8d13e6eb1aabb0c3f46965'],
      ]),
    },
  ],
};

/** The data sets that can be downloaded, by name. */
export const PUBLISHED: Record<PublishedName, PublishedSpec> = {
  cifar10,
  cifar100,
  mnist,
  'fashion-mnist': fashionMnist,
};

/** The published data set of this name; `undefined` for others and for unknown names. */
export function publishedSpec(name: string): PublishedSpec | undefined {
  return isPublished(name) ? PUBLISHED[name] : undefined;
}

function cifarPart(file: string, split: SplitName, records: number, md5: string): CifarPart {
  return { file, split, records, md5 };
}

/** In this order: train images, train labels, test images, test labels; each [gzip bytes, gzip md5, unpacked md5]. */
function idxFiles(known: [bytes: number, md5: string, unpackedMd5: string][]): IdxFile[] {
  const files: Pick<IdxFile, 'split' | 'holds' | 'file'>[] = [
    { split: 'train', holds: 'images', file: 'train-images-idx3-ubyte' },
    { split: 'train', holds: 'labels', file: 'train-labels-idx1-ubyte' },
    { split: 'test', holds: 'images', file: 't10k-images-idx3-ubyte' },
    { split: 'test', holds: 'labels', file: 't10k-labels-idx1-ubyte' },
  ];
  return known.map(([bytes, md5, unpackedMd5], i) => {
    const { file, split, holds } = files[i]!;
    return { split, holds, file: `${file}.gz`, bytes, md5, unpacked: { file, md5: unpackedMd5 } };
  });
}
