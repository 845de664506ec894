import { RethinkError } from '../../errors.js';
import { grouped, named, quoted } from '../../text.js';
import { endingOf } from '../image/formats.js';

/** Names of archives, which may hold what is missed. */
export const ARCHIVE = /\.(tar|tgz|tar\.\w+|zip|7z|rar|parquet|tfrecord)$/i;

/** Of an image in no folder of a class. */
export function misplaced(path: string, where: string): RethinkError {
  return new RethinkError('data', `${where}: ${quoted(path)} is not at <split>/<class>/<file>.`, {
    hint: 'Put each image into the folder of its class, or take it out of the tree.',
  });
}

/** Of a folder or tar that is there and holds nothing. */
export function emptyClass(path: string, where: string): RethinkError {
  return new RethinkError('data', `${where}: ${quoted(path)} has no images.`, {
    hint: 'Put the images of this class there, or take its folder away.',
  });
}

/** Of a tree in which no folder of a split has images. @param lacking Names that it could have. */
export function missingSplit(
  lacking: string,
  { paths }: { paths: readonly string[] },
  where: string,
): RethinkError {
  const archives = paths.filter((path) => ARCHIVE.test(path)).sort();
  const [first] = archives;
  const many =
    archives.length > 1 ? `${grouped(archives.length)} archives that have` : 'an archive that has';
  const held =
    first === undefined ? '' : `, and holds ${many} not been unpacked, such as ${quoted(first)}`;
  return new RethinkError('data', `${where} has no images in ${lacking}/<class>/${held}.`, {
    hint: remedy(first !== undefined, paths),
  });
}

function remedy(packed: boolean, paths: readonly string[]): string {
  if (paths.some((path) => path.endsWith('.cls'))) {
    return 'This is a shard of WebDataset, of one split: name the folder of train*.tar and val*.tar.';
  }
  return packed
    ? 'Unpack what is there, each class into a folder of its name: train/<class>/*.jpg.'
    : 'A tree of <split>/<class>/*.jpg or *.png is expected, with splits train and test (or val).';
}

/** Of an image of a class that no training image is of. */
export function unknownClass(
  path: string,
  name: string,
  classes: readonly string[],
  where: string,
): RethinkError {
  return new RethinkError(
    'data',
    `${where}: ${quoted(path)} is of an unknown class, ${quoted(name)}.`,
    {
      hint: `The classes are ${named(classes)}.`,
    },
  );
}

/** Says how many files are no images, and of which endings. */
export function othersNote(others: readonly string[]): string {
  return endingsNote(others.map(endingOf), 'file is no image', 'files are no images');
}

/** Says how many files there are of a kind, and of which endings. @param endings One for each; '' for none. */
export function endingsNote(endings: readonly string[], one: string, many: string): string {
  const counted = new Map<string, number>();
  for (const ending of endings) {
    const name = ending === '' ? 'without an ending' : `.${ending}`;
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  const counts = [...counted].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = counts.slice(0, 10).map(([name, count]) => `${grouped(count)} ${name}`);
  const are = endings.length === 1 ? `1 ${one}` : `${grouped(endings.length)} ${many}`;
  return `${are}: ${shown.join(', ')}${counts.length > shown.length ? ', …' : ''}.`;
}
