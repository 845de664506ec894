import sharp from 'sharp';
import type { DatasetInfo, Split } from './types.js';

/** Examples of each class on a sheet. */
const COLUMNS = 10;
/** Space between images, in pixels before scaling. */
const GAP = 2;

/** A PNG with a row for each class: its first ten examples, small images enlarged without smoothing. */
export async function contactSheet(info: DatasetInfo, split: Split): Promise<Buffer> {
  const { height, width, channels } = info;
  const sheet = {
    width: COLUMNS * (width + GAP) + GAP,
    height: info.classes.length * (height + GAP) + GAP,
    channels: channels as 1 | 3,
  };
  const pixels = Buffer.alloc(sheet.width * sheet.height * channels, 255);
  const shown = info.classes.map(() => 0);
  const bytes = height * width * channels;
  for (let i = 0; i < split.count; i++) {
    const label = split.labels[i]!;
    const column = shown[label]!;
    if (column === COLUMNS) continue;
    shown[label] = column + 1;
    for (let row = 0; row < height; row++) {
      const y = GAP + label * (height + GAP) + row;
      const x = GAP + column * (width + GAP);
      const from = i * bytes + row * width * channels;
      pixels.set(
        split.images.subarray(from, from + width * channels),
        (y * sheet.width + x) * channels,
      );
    }
  }
  const scale = Math.max(1, Math.min(3, Math.floor(96 / width)));
  return sharp(pixels, { raw: sheet })
    .resize(sheet.width * scale, sheet.height * scale, { kernel: 'nearest' })
    .png()
    .toBuffer();
}
