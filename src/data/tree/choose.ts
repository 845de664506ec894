import { nearest } from '../../config/nearest.js';
import type { Config } from '../../config/resolve.js';
import { RethinkError } from '../../errors.js';
import { Random } from '../../random.js';
import { grouped, quoted } from '../../text.js';
import type { SplitName, SubsetChoice } from '../types.js';
import type { Tree, TreeImage } from './tree.js';

export type SubsetConfig = NonNullable<Config['data']['subset']>;

/** A tree, and what was chosen of it. */
export interface ChosenTree {
  tree: Tree;
  subset: SubsetChoice | undefined;
}

/**
 * The part of a tree that `data.subset` asks for. Labels are numbered anew by class; an image keeps the index it has in
 * the whole source, so that its corruption is the same in every subset.
 *
 * A class's rank depends on the seed and its name alone, an image's on the seed, its split and its index: a smaller
 * choice lies within a larger one, and choosing from what was chosen gives it back.
 *
 * @throws RethinkError: `usage` for a synset that isn't there or more than there is; `data` for a chosen class without
 * validation images where they are asked for.
 */
export function chooseSubset(
  all: Tree,
  config: SubsetConfig | undefined,
  where: string,
  of: SubsetChoice['of'] = countsOf(all),
): ChosenTree {
  if (config === undefined) return { tree: all, subset: undefined };
  const synsets = chooseClasses(all.classes, config, where);
  const labels = new Map(synsets.map((name, label) => [name, label]));
  const tree: Tree = {
    ...all,
    classes: synsets,
    images: {
      train: chooseImages(all, labels, 'train', config.perClass, config.seed, where),
      test: chooseImages(all, labels, 'test', config.testPerClass, config.seed, where),
    },
  };
  const { perClass = null, testPerClass = null, seed } = config;
  return { tree, subset: { synsets, perClass, testPerClass, seed, of } };
}

function countsOf({ classes, images }: Tree): SubsetChoice['of'] {
  return { classes: classes.length, train: images.train.length, test: images.test.length };
}

function chooseClasses(
  all: readonly string[],
  { synsets, classes, seed }: SubsetConfig,
  where: string,
): string[] {
  // Typed in another normalization than the disk's, a name looks the same.
  const known = new Map(all.map((name) => [name.normalize('NFC'), name]));
  const asked = synsets?.map((name) => {
    const found = all.includes(name) ? name : known.get(name.normalize('NFC'));
    if (found === undefined) throw unknownSynset(name, all, where);
    return found;
  });
  const among = asked === undefined ? [...all] : [...new Set(asked)].sort();
  const wanted = classes ?? among.length;
  if (wanted > among.length) {
    throw new RethinkError(
      'usage',
      `data.subset.classes is ${grouped(wanted)}, but there are ${grouped(among.length)} classes to choose from.`,
      { hint: `Take at most ${among.length}.` },
    );
  }
  if (wanted < 2) {
    throw new RethinkError('usage', 'data.subset leaves one class only.', {
      hint: 'Name at least two synsets.',
    });
  }
  const rank = new Map(
    among.map((name) => [name, new Random(seed, `subset/class/${name}`).uniform()]),
  );
  return among
    .sort((a, b) => rank.get(a)! - rank.get(b)!)
    .slice(0, wanted)
    .sort();
}

function unknownSynset(name: string, all: readonly string[], where: string): RethinkError {
  const close = nearest(name, all);
  return new RethinkError(
    'usage',
    `data.subset.synsets names ${quoted(name)}, and ${where} has no such class.`,
    {
      hint:
        close === undefined
          ? `It has ${grouped(all.length)}, from ${all[0]} to ${all.at(-1)}.`
          : `Did you mean ${close}?`,
    },
  );
}

function chooseImages(
  { images }: Tree,
  labels: ReadonlyMap<string, number>,
  split: SplitName,
  perClass: number | undefined,
  seed: number,
  where: string,
): TreeImage[] {
  const byLabel = new Map<string, TreeImage[]>([...labels.keys()].map((name) => [name, []]));
  for (const image of images[split]) byLabel.get(image.className)?.push(image);
  return [...byLabel].flatMap(([name, list]) => {
    const chosen = perClass === undefined ? list : ranked(list, split, seed, perClass, name, where);
    return chosen.map((image) => ({ ...image, label: labels.get(name)! }));
  });
}

/** The first `wanted` by rank, in order of index. */
function ranked(
  list: TreeImage[],
  split: SplitName,
  seed: number,
  wanted: number,
  name: string,
  where: string,
): TreeImage[] {
  if (wanted > list.length) {
    const key = split === 'train' ? 'perClass' : 'testPerClass';
    throw new RethinkError(
      'data',
      `${where} has ${grouped(list.length)} ${split} images of ${quoted(name)}, and data.subset.${key} is ${grouped(wanted)}.`,
      { hint: `Make data.subset.${key} smaller, or leave the class out.` },
    );
  }
  const ranks = list.map((image) => ({
    image,
    rank: new Random(seed, `subset/image/${split}`, image.index).uniform(),
  }));
  ranks.sort((a, b) => a.rank - b.rank || a.image.index - b.image.index);
  return ranks
    .slice(0, wanted)
    .map(({ image }) => image)
    .sort((a, b) => a.index - b.index);
}
