import sharp from 'sharp';
import { StoredReader } from '../stored/stored.js';
import { type DatasetInfo, type Images, isStored, type Split } from '../types.js';

/** Examples of each class on a sheet. */
const COLUMNS = 10;
/** Space between images, in pixels before scaling. */
const GAP = 2;

/** A PNG with a row for each class: its first ten examples, small images enlarged without smoothing. */
export async function contactSheet(info: DatasetInfo, split: Split<Images>): Promise<Buffer> {
  const { height, width, channels } = info;
  const sheet = {
    width: COLUMNS * (width + GAP) + GAP,
    height: info.classes.length * (height + GAP) + GAP,
    channels: channels as 1 | 3,
  };
  const pixels = Buffer.alloc(sheet.width * sheet.height * channels, 255);
  const bytes = height * width * channels;
  const places = firstOfEach(info, split);
  const positions = places.map(({ position }) => position);
  const images = await imagesAt(split.images, positions, bytes);
  for (const [i, { label, column }] of places.entries()) {
    for (let row = 0; row < height; row++) {
      const y = GAP + label * (height + GAP) + row;
      const x = GAP + column * (width + GAP);
      const from = i * bytes + row * width * channels;
      pixels.set(images.subarray(from, from + width * channels), (y * sheet.width + x) * channels);
    }
  }
  const scale = Math.max(1, Math.min(3, Math.floor(96 / width)));
  return sharp(pixels, { raw: sheet })
    .resize(sheet.width * scale, sheet.height * scale, { kernel: 'nearest' })
    .png()
    .toBuffer();
}

function firstOfEach({ classes }: DatasetInfo, { labels }: Pick<Split, 'labels'>) {
  const shown = classes.map(() => 0);
  const places: { position: number; label: number; column: number }[] = [];
  for (const [position, label] of labels.entries()) {
    const column = shown[label]!;
    if (column === COLUMNS) continue;
    shown[label] = column + 1;
    places.push({ position, label, column });
  }
  return places;
}

/** The images at these places, one after another, from memory or from the disk. */
async function imagesAt(images: Images, positions: number[], bytes: number): Promise<Uint8Array> {
  const out = new Uint8Array(positions.length * bytes);
  if (isStored(images)) {
    const reader = new StoredReader(images);
    await reader.read(positions, out).finally(() => reader.close());
    return out;
  }
  for (const [i, position] of positions.entries()) {
    out.set(images.subarray(position * bytes, (position + 1) * bytes), i * bytes);
  }
  return out;
}
