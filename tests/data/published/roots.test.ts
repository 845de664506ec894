import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listDatasets } from '../../../src/data/inspect/list.js';
import { loadDataset } from '../../../src/data/load.js';
import { dataRoots } from '../../../src/data/published/places.js';
import { missingData } from '../../../src/data/source.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { failure, write } from '../helpers.js';

afterEach(() => vi.unstubAllEnvs());

describe('a folder for data that a person names and that is not there', () => {
  /** A cache in which the data set is. */
  function cached(): void {
    const home = temporaryFolder();
    write(join(home, 'rethink-gen/data/cifar-10-binary.tar.gz'), 'not looked into');
    vi.stubEnv('XDG_CACHE_HOME', home);
  }
  const nowhere = join(temporaryFolder(), 'nowhere');
  const ways: [what: string, dataDir: string | undefined, variable: string][] = [
    ['--data-dir', nowhere, ''],
    ['RETHINK_GEN_DATA', undefined, nowhere],
    ['RETHINK_GEN_DATA', temporaryFolder(), nowhere],
  ];

  it.each(ways)('is an error, whatever the cache holds: %s', async (what, dataDir, variable) => {
    cached();
    vi.stubEnv('RETHINK_GEN_DATA', variable);
    const message = `${what} is ${nowhere}, and there is no such folder.`;
    for (const work of [
      () => loadDataset({ name: 'cifar10' }, { seed: 0, dataDir }),
      () => listDatasets({ dataDir }),
    ]) {
      const error = await failure(work);
      expect([error.kind, error.message]).toEqual(['data', message]);
    }
    expect(missingData({ name: 'cifar10' }, dataDir)).toContain(message);
  });

  it('is an error as data.dir, too, of every data set that has one', async () => {
    cached();
    for (const name of ['cifar10', 'mnist', 'imagetree', 'imagenet'] as const) {
      const error = await failure(() => loadDataset({ name, dir: nowhere }, { seed: 0 }));
      expect([error.kind, error.message]).toEqual(['data', expect.stringContaining(nowhere)]);
    }
  });

  it('may be given from the home folder', () => {
    expect(dataRoots('~/a', { HOME: homedir(), RETHINK_GEN_DATA: '~/b' }).slice(0, 2)).toEqual([
      join(homedir(), 'a'),
      join(homedir(), 'b'),
    ]);
  });
});
