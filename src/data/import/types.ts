import type { OnProgress } from '../../progress.js';
import type { PublishedSpec } from '../published/catalog.js';
import type { SplitName } from '../types.js';

export interface ImportOptions {
  /** The data set that these images are. */
  as: string;
  dataDir?: string | undefined;
  /** Replace what was imported before. */
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** @internal Other counts than the published ones, for tests. */
  spec?: PublishedSpec | undefined;
}

export interface ImportResult {
  name: string;
  /** The folder or file that now holds the data set. */
  path: string;
  origin: 'official' | 'imported';
  counts: Record<SplitName, number>;
  classes: string[];
  perClass: Record<SplitName, number[]>;
  /** It had been imported before, from the same source: nothing was done. */
  present: boolean;
}
