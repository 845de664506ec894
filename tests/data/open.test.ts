import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openDataset } from '../../src/data/open.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { plain, write } from './helpers.js';

const limit = vi.hoisted(() => ({ total: 0 }));
vi.mock('../../src/machine/machine.js', async (original) => ({
  ...(await original<object>()),
  processMemory: () => ({ ...limit, free: limit.total }),
}));

it('holds images in a quarter of the memory that this process may have, a container’s limit first', async () => {
  const dir = temporaryFolder();
  for (const name of ['train/a/1', 'train/b/1', 'test/a/1', 'test/b/1']) {
    write(join(dir, `${name}.png`), await plain(9, 9, { r: 1, g: 2, b: 3 }));
  }
  const streams = async (total: number) => {
    limit.total = total;
    return (await openDataset({ name: 'imagetree', dir, size: 8 }, { seed: 0 })).streamed;
  };
  const images = 4 * 8 * 8 * 3;
  expect(await streams(4 * images)).toBe(false);
  expect(await streams(4 * images - 1)).toBe(true);
});
