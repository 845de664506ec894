import { CIFAR10_CLASSES } from '../data/published/classes.js';
import { RethinkError } from '../errors.js';

/** Classes that people mistake for others (Patrini 2017): truck → automobile, bird → airplane, cat ↔ dog, deer → horse. */
const MISTAKEN: Record<string, string> = {
  truck: 'automobile',
  bird: 'airplane',
  cat: 'dog',
  dog: 'cat',
  deer: 'horse',
};

/** The class that each class of CIFAR-10 may be taken for; itself where it never is. */
export const MISTAKEN_FOR: readonly number[] = CIFAR10_CLASSES.map((name) =>
  CIFAR10_CLASSES.indexOf(MISTAKEN[name] ?? name),
);

/**
 * @throws RethinkError (`usage`) where the classes are not those of CIFAR-10, in its order.
 */
export function requireCifar10(classes: readonly string[]): void {
  if (
    classes.length === CIFAR10_CLASSES.length &&
    classes.every((name, i) => name === CIFAR10_CLASSES[i])
  )
    return;
  const found = classes.slice(0, 3).join(', ');
  throw new RethinkError(
    'usage',
    `asymmetric-flips is defined on the classes of CIFAR-10, not on ${classes.length} classes (${found}, …).`,
    { hint: 'Use flip-labels, or labels from a file: corruption.kind=label-file.' },
  );
}
