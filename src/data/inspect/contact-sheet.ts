import { imagesAt } from '../stored/stored.js';
import type { DatasetInfo, Images, Split } from '../types.js';
import { sheetOf } from './sheet.js';

/** Examples of each class on a sheet. */
const COLUMNS = 10;

/** A PNG with a row for each class: its first ten examples. */
export async function contactSheet(info: DatasetInfo, split: Split<Images>): Promise<Buffer> {
  const bytes = info.height * info.width * info.channels;
  const places = firstOfEach(info, split);
  const positions = places.map(({ position }) => position);
  const images = await imagesAt(split.images, positions, bytes);
  const tiles = places.map(({ label, column }, i) => {
    return { image: images.subarray(i * bytes, (i + 1) * bytes), size: info, row: label, column };
  });
  return sheetOf(tiles, { rows: info.classes.length, columns: COLUMNS });
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
