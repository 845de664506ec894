import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { openStored } from '../../batches/stored-eval-chunks.js';
import { canonicalJson } from '../../config/hash.js';
import { locatedConfig, startedHere } from '../../config/places.js';
import type { Config } from '../../config/resolve.js';
import { openDataset } from '../../data/open.js';
import { missingData } from '../../data/source.js';
import { type Dataset, type Images, isStored, type SplitName } from '../../data/types.js';
import { RethinkError } from '../../errors.js';
import { readOrigin } from '../../record/run-directory.js';
import { grouped } from '../../text.js';
import type { ReportRun } from '../runs.js';

/** Images as they are before any corruption, as data URIs, by split and source index. */
export class ImageShelf {
  readonly uris = new Map<string, string>();
  /** Of all of them. */
  bytes = 0;
  /** Why there are none, or not all. */
  note: string | null = null;

  get(split: SplitName, index: number): string | undefined {
    return this.uris.get(`${split}/${index}`);
  }
}

/** Data sets that a page opens, and the largest of them in images: whoever reads the page waits for it. */
const MOST_SETS = 3;
const LARGEST_SET = 200_000;
/** Side in pixels of a larger image, and bytes of all images of a page. */
const SIDE = 64;
const MOST_BYTES = 3e6;

/** Draws images for the runs of one page. */
export class ImageReader {
  private readonly sets = new Map<string, Dataset<Images> | string>();

  /** @param bytes Of images that the page has already. */
  constructor(
    private readonly dataDir: string | undefined,
    private bytes = 0,
  ) {}

  /**
   * The images of a run, as far as its data set is on this machine and there is room.
   *
   * @param wanted By split, source indices.
   */
  async draw(run: ReportRun, wanted: Record<SplitName, readonly number[]>): Promise<ImageShelf> {
    const shelf = new ImageShelf();
    const dataset = await this.open(run);
    if (typeof dataset === 'string') {
      shelf.note = dataset;
      return shelf;
    }
    for (const split of ['train', 'test'] as const) {
      const { images, indices } = dataset[split];
      const places = new Map(Array.from(indices, (index, i) => [index, i] as const));
      for (const index of new Set(wanted[split])) {
        const place = places.get(index);
        if (place === undefined) continue;
        if (this.bytes > MOST_BYTES) {
          shelf.note = 'Some images are left out: the page has room for so many.';
          return shelf;
        }
        const uri = await pngUri(await pixelsOf(images, place, dataset.info), dataset.info);
        this.bytes += uri.length;
        shelf.bytes += uri.length;
        shelf.uris.set(`${split}/${index}`, uri);
      }
    }
    return shelf;
  }

  private async open(run: ReportRun): Promise<Dataset<Images> | string> {
    const origin = readOrigin(run.path) ?? startedHere();
    const config = locatedConfig(run.config, origin);
    const key = createHash('sha256')
      .update(canonicalJson([config.data, config.seeds.data]))
      .digest('hex');
    let found = this.sets.get(key);
    if (found === undefined) {
      if (this.sets.size >= MOST_SETS) return 'Images of further data sets are left out.';
      found = await this.openAnew(run, config).catch((error: unknown) => {
        if (error instanceof RethinkError) return `Its images can't be read here: ${error.message}`;
        throw error;
      });
      this.sets.set(key, found);
    }
    if (typeof found !== 'string' && (run.result ?? run.theory)?.data?.hash !== found.hash) {
      return 'The data set here is not the one that the run had: no images are shown.';
    }
    return found;
  }

  private async openAnew(
    { result, theory }: ReportRun,
    { data, seeds }: Config,
  ): Promise<Dataset<Images> | string> {
    const { full_train = 0, full_test = 0 } = (result ?? theory)?.data ?? {};
    const size = full_train + full_test;
    if (size > LARGEST_SET) {
      return `Of a data set of ${grouped(size)} images none are shown.`;
    }
    // A report is read where the runs were not made: it fetches nothing.
    const missing = missingData(data, this.dataDir);
    if (missing !== undefined) return `Its images are not on this machine: ${missing}`;
    const { dataset } = await openDataset(data, { dataDir: this.dataDir, seed: seeds.data });
    return dataset;
  }
}

async function pixelsOf(
  images: Images,
  place: number,
  { height, width, channels }: Dataset['info'],
): Promise<Uint8Array> {
  const size = height * width * channels;
  if (!isStored(images)) return images.subarray(place * size, (place + 1) * size);
  const out = new Uint8Array(size);
  const reader = openStored(images);
  try {
    await reader.read(Uint32Array.of(place), out);
  } finally {
    reader.close();
  }
  return out;
}

async function pngUri(
  pixels: Uint8Array,
  { height, width, channels }: Dataset['info'],
): Promise<string> {
  const raw = { height, width, channels: channels as 1 | 3 };
  const image = sharp(pixels, { raw });
  const small =
    Math.max(height, width) > SIDE ? image.resize(SIDE, SIDE, { fit: 'inside' }) : image;
  const png = await small.png({ compressionLevel: 9 }).toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}
