import { join } from 'node:path';
import { type FakeRun, writeRun } from '../../report/helpers.js';

/** Writes a run under the name that a run would have given itself. @param hash 8 hexadecimal digits. */
export function namedRun(
  root: string,
  name: string,
  hash: string,
  run: FakeRun & { time?: string } = {},
) {
  const { time = '20261124T101530Z', ...rest } = run;
  return writeRun(join(root, name, `${time}-${hash}`), {
    ...rest,
    config: { name, ...rest.config },
  });
}
