import { basename } from 'node:path';
import { z } from 'zod';
import { matrixName } from './matrix.js';
import { fraction, text } from './values.js';

/** The own keys of kinds of corruption: what each may be, means, and adds to a label (nothing where it's the default). */
export const OWN_KEYS = {
  channels: {
    value: z.enum(['together', 'mixed']),
    means: "move a position's channels together (default) or mix them",
    told: (value: string) => (value === 'mixed' ? 'channels mixed' : ''),
  },
  statistics: {
    value: z.enum(['channel', 'global']),
    means: 'mean and variance of the training set per channel (default) or over all',
    told: (value: string) => (value === 'global' ? 'global' : ''),
  },
  matrix: {
    value: z.array(z.array(fraction)).min(1),
    means:
      'T, a row for each true class, of the probabilities of each label; rows sum to 1 within 0.0001, and are divided by their sum',
    told: matrixName,
  },
  file: {
    value: text,
    means:
      'for transition-matrix T as rows of numbers (.json, .csv, .npy); else one label (number or class name) for each training example of the source, whatever data.limit and data.subset take, in the published order (images of your own: by class, then by name); .npy, .npz, .pt, .csv, JSON, or one a line',
    told: (value: string) => basename(value),
  },
  column: {
    value: text,
    means: 'which column, array or key of the file holds the labels, where there are several',
    told: (value: string) => value,
  },
  sha256: {
    value: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
    means:
      'digest of the file, by which the experiment is known, wherever the file lies; filled in when a config is read',
    told: (value: string) => value.slice(0, 6),
  },
};

/** A key that only some kinds have. */
export type OwnKey = keyof typeof OWN_KEYS;
