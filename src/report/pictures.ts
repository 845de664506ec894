import sharp from 'sharp';
import {
  CORRUPTION_KINDS,
  CORRUPTIONS,
  type CorruptionConfig,
  type CorruptionRow,
  filledIn,
} from '../config/corruptions.js';
import { type DatasetName, PUBLISHED_NAMES } from '../config/datasets.js';
import type { Config } from '../config/resolve.js';
import { corruptDataset } from '../corrupt/index.js';
import { loadDataset } from '../data/load.js';
import type { Dataset } from '../data/types.js';
import { RethinkError } from '../errors.js';
import { corruptionLabel } from './describe.js';
import type { ReportRun } from './runs.js';

/** What each corruption does to the same images, one of each class. */
export interface Pictures {
  data: string;
  /** Rows of the picture, from the top: what was done to the pixels, and its images side by side as PNG. */
  rows: { name: string; png: Buffer }[];
  /** True classes, by column. */
  classes: string[];
  /** What the classes become. */
  labels: { corruption: string; classes: string[] }[];
  /** All rows below one another, a pixel for a pixel. */
  png: Buffer;
}

const IMAGES = 10;
/** Around every image, in its pixels. */
const GAP = 2;

/** The paper's kinds, partly corrupted where they may be. */
function paperKinds(what: CorruptionRow['changes']): CorruptionConfig[][] {
  return CORRUPTION_KINDS.map((kind) => ({ kind, ...CORRUPTIONS[kind] }))
    .filter(({ changes, figures }) => changes === what && figures.length > 0)
    .map(({ kind, fraction }) => [filledIn(kind, fraction === 'needed' ? { fraction: 0.5 } : {})]);
}

const PIXELS = [[], ...paperKinds('pixels')];
const LABELS = paperKinds('labels');

/** The last that were drawn: a live page needs them again and again, and they take seconds. */
let kept: { of: string; pictures: Promise<Pictures> } | undefined;

/** Draws the pictures from the runs' own data set where it is on this machine, else from the synthetic one. */
export async function drawPictures(
  runs: readonly ReportRun[],
  dataDir: string | undefined,
): Promise<Pictures> {
  const names = new Set(runs.map(({ config }) => config.data.name));
  // Small, and quick to read.
  const wanted = PUBLISHED_NAMES.filter((name) => names.has(name));
  const seeds = runs[0]?.config.seeds ?? { data: 0, corruption: 0 };
  const of = JSON.stringify([wanted, seeds, dataDir]);
  if (kept?.of !== of) kept = { of, pictures: draw(wanted, seeds, dataDir) };
  return kept.pictures;
}

async function draw(
  wanted: readonly DatasetName[],
  seeds: Pick<Config['seeds'], 'data' | 'corruption'>,
  dataDir: string | undefined,
): Promise<Pictures> {
  for (const name of [...wanted, 'synthetic'] as const) {
    const dataset = await loadOrNothing(name, dataDir, seeds.data);
    if (dataset !== null) return picturesOf(dataset, seeds.corruption);
  }
  throw new TypeError('the synthetic data set could not be generated');
}

async function loadOrNothing(
  name: DatasetName,
  dataDir: string | undefined,
  seed: number,
): Promise<Dataset | null> {
  try {
    return await loadDataset({ name, limit: IMAGES, testLimit: IMAGES }, { dataDir, seed });
  } catch (error) {
    // The report is read where the runs were not made: their data need not be there.
    if (error instanceof RethinkError && error.kind === 'data') return null;
    throw error;
  }
}

async function picturesOf(dataset: Dataset, seed: number): Promise<Pictures> {
  const { info, train } = dataset;
  const order = [...train.labels.keys()].sort((a, b) => train.labels[a]! - train.labels[b]!);
  const nameOf = (label: number) => info.classes[label] ?? String(label);
  const images = PIXELS.map((corruption) => corruptDataset(dataset, corruption, seed).train.images);
  const rows = PIXELS.map(async (corruption, i) => ({
    name: corruption.length === 0 ? 'true pixels' : corruptionLabel(corruption),
    png: await sheet(info, [images[i]!], order),
  }));
  const labels = LABELS.map((corruption) => {
    const corrupted = corruptDataset(dataset, corruption, seed).train.labels;
    return {
      corruption: corruptionLabel(corruption),
      classes: order.map((i) => nameOf(corrupted[i]!)),
    };
  });
  return {
    data: info.name,
    rows: await Promise.all(rows),
    classes: order.map((i) => nameOf(train.labels[i]!)),
    labels,
    png: await sheet(info, images, order),
  };
}

/** Puts images side by side, one row for each array, in the order given. */
async function sheet(
  { height, width, channels }: Dataset['info'],
  rows: readonly Uint8Array[],
  order: readonly number[],
): Promise<Buffer> {
  const size = { width: order.length * (width + GAP), height: rows.length * (height + GAP) };
  // Transparent between the images: the page's ground shows, whichever it is.
  const pixels = Buffer.alloc(size.width * size.height * 4);
  rows.forEach((images, row) => {
    order.forEach((image, column) => {
      for (let i = 0; i < height * width; i++) {
        const y = row * (height + GAP) + GAP / 2 + Math.floor(i / width);
        const x = column * (width + GAP) + GAP / 2 + (i % width);
        const to = 4 * (y * size.width + x);
        const from = (image * height * width + i) * channels;
        for (let c = 0; c < 3; c++) pixels[to + c] = images[from + (channels === 1 ? 0 : c)]!;
        pixels[to + 3] = 255;
      }
    });
  });
  return sharp(pixels, { raw: { ...size, channels: 4 } })
    .png()
    .toBuffer();
}
