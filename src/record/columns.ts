import type { ExampleLabels } from '../results/examples.js';
import { grouped } from '../text.js';
import { damaged } from './safetensors.js';
import type { Numbers, SealedTensor } from './sealed.js';

/** Sealed files that are tables: columns by the place of an example. */

export const tensorsOf = (
  columns: Readonly<Record<string, Numbers>>,
): Record<string, SealedTensor> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, data]) => [name, { shape: [data.length], data }]),
  );

/** The same whole numbers in as few bytes as hold them. */
export function narrowed(numbers: ArrayLike<number>): Numbers {
  const all = Int32Array.from(numbers);
  const greatest = all.reduce((a, b) => Math.max(a, b), 0);
  if (greatest < 2 ** 8) return Uint8Array.from(all);
  return greatest < 2 ** 16 ? Uint16Array.from(all) : all;
}

/** @throws RethinkError (`data`) where a file has other columns than it should, or columns of several lengths. */
export function checkColumns(
  path: string,
  tensors: readonly { name: string; dtype: string; shape: readonly number[] }[],
  wanted: Readonly<Record<string, string | undefined>>,
): void {
  const names = Object.keys(wanted);
  if (tensors.map(({ name }) => name).join() !== names.join()) {
    throw damaged(path, `its columns are not ${names.join(', ')}`);
  }
  const wrong = tensors.find(
    ({ name, dtype, shape }) =>
      shape.length !== 1 || shape[0] !== tensors[0]!.shape[0] || (wanted[name] ?? dtype) !== dtype,
  );
  if (wrong !== undefined) throw damaged(path, `its ${wrong.name} is not a column like the others`);
}

/** @throws RethinkError (`data`) for examples beyond the source, and labels beyond the classes. */
export function checkLabels(path: string, labels: ExampleLabels): void {
  const { source, classes } = labels;
  if (labels.index.some((index) => index >= source)) {
    throw damaged(path, `it has examples beyond the ${grouped(source)} of its source`);
  }
  for (const column of [labels.true_label, labels.given_label]) {
    if (column.some((label) => !(label in classes))) {
      throw damaged(path, `it has labels beyond its ${grouped(classes.length)} classes`);
    }
  }
}
