import { describe, expect, it } from 'vitest';
import {
  DATASET_NAMES,
  DATASETS,
  type DatasetName,
  type DatasetRow,
  OWN_NAMES,
  PUBLISHED_NAMES,
} from '../../src/config/datasets.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';

/** All that `data` can say, by where the images come from. */
const KEYS: Record<DatasetRow['images'], object> = {
  generated: { limit: 100, testLimit: 20, crop: 24, stream: false },
  published: { dir: 'here', crop: 24, split: { from: 'test', train: 10, test: 5 } },
  arrays: { dir: 'here', limit: 100, crop: 24, stream: false },
  own: {
    dir: 'here',
    limit: 100,
    size: 40,
    subset: { classes: 3, perClass: 5, testPerClass: 2, synsets: ['a', 'b', 'c'], seed: 7 },
    stream: true,
    memory: 100,
  },
};

describe('a data set', () => {
  it.each(DATASET_NAMES)('%s comes back from its config.json', async (name) => {
    for (const keys of [{}, KEYS[DATASETS[name].images]]) {
      const given = { name: 'a', data: { name, ...keys } };
      const { config } = (await loadExperiment(given)).trials[0]!;
      expect(config.data).toMatchObject(keys);
      const written = JSON.parse(JSON.stringify(portableConfig(config)));
      const again = (await loadExperiment(written)).trials[0]!.config;
      expect(again).toEqual(config);
      expect(configHash(again)).toBe(configHash(config));
    }
  });

  it('is refused with a key that it has no use for', async () => {
    for (const key of ['size', 'subset', 'memory']) {
      for (const name of ['synthetic', ...PUBLISHED_NAMES]) {
        const data = { name, [key]: (KEYS.own as Record<string, unknown>)[key] };
        await expect(loadExperiment({ data })).rejects.toThrow(
          `data.${key} is for ${OWN_NAMES.join(' and ')}, and data.name is ${name}.`,
        );
      }
    }
    await expect(
      loadExperiment({ data: { name: 'synthetic' } }, { overrides: ['data.dir=here'] }),
    ).rejects.toThrow('data.dir is here, but synthetic data is generated.');
  });

  it('without a row, or with half of one, does not compile', () => {
    const { imagenet, ...rows } = DATASETS;
    // @ts-expect-error a row is missing
    const missing: Record<DatasetName, DatasetRow> = rows;
    // @ts-expect-error a row has no label
    const half: Record<DatasetName, DatasetRow> = { ...rows, imagenet: { images: 'own' } };
    expect([...Object.keys(missing), imagenet.label].length).toBe(Object.keys(half).length);
  });
});
