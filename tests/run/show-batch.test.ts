import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { loadDataset } from '../../src/data/load.js';
import { showBatch, viewable } from '../../src/run/show-batch.js';
import { prepare } from '../../src/setup/training.js';
import { cli } from '../cli/helpers.js';
import { failure, noise, png, write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const dir = temporaryFolder();
beforeAll(async () => {
  for (const [label, name] of ['ant', 'b<i>ee'].entries()) {
    for (let i = 0; i < 9; i++) {
      const image = await png(noise(12 * 12 * 3, 10 * label + i), 12, 12);
      write(join(dir, i < 7 ? 'train' : 'test', name, `${i}.png`), image);
    }
  }
});

async function configOf(more: object) {
  const { trials } = await loadExperiment({
    name: 'shown',
    data: { name: 'imagetree', dir, size: 12, crop: 10 },
    model: { name: 'mlp', hidden: [4] },
    train: { batchSize: 4 },
    ...more,
  });
  return trials[0]!.config;
}

describe('what a network is given', () => {
  it.each<[string, object]>([
    ['as it is', {}],
    ['with labels and pixels corrupted', { corruption: ['random-labels', 'shuffled-pixels'] }],
    [
      'with random pixels, dropout',
      { corruption: 'random-pixels', regularization: { dropout: 0.5 } },
    ],
    ['of Gaussian pixels', { corruption: 'gaussian', seed: 3 }],
    ['augmented', { regularization: { augment: 'full' } }],
    ['recolored and scaled', { regularization: { augment: 'imagenet' }, corruption: 'gaussian' }],
    [
      'read from the disk',
      {
        data: { name: 'imagetree', dir, size: 12, crop: 10, stream: true },
        corruption: 'shuffled-pixels',
        regularization: { augment: 'full' },
      },
    ],
  ])('is shown to the byte, in the order of the first epoch: %s', async (_, more) => {
    const config = await configOf(more);
    const { batches, data } = await prepare(config, {});
    const chunk = await batches.chunk(0, 0, 3, new Float32Array(3));
    const source = await loadDataset({ ...config.data, stream: false }, { seed: 0 });
    // Ten of the twelve images in three batches; the epoch drops two of fourteen.
    const { examples, size, batchSize, stepsPerEpoch } = await showBatch(config, 10, {});
    expect([examples.length, batchSize, stepsPerEpoch]).toEqual([10, 4, 3]);
    expect(size).toEqual({ height: 10, width: 10, channels: 3 });
    for (const [i, example] of examples.entries()) {
      expect([...example.image]).toEqual([...chunk.images.subarray(300 * i, 300 * (i + 1))]);
      expect(example.label).toBe(chunk.labels[i]);
      const { index } = example;
      expect([example.trueLabel, example.label, example.drawn]).toEqual([
        source.train.labels[index],
        data.train.labels[index],
        data.train.labelDrawn[index] === 1,
      ]);
      expect([...example.original]).toEqual([
        ...source.train.images.subarray(432 * index, 432 * (index + 1)),
      ]);
    }
    expect((await showBatch(config, 100, {})).examples).toHaveLength(12);
    batches.dispose();
  });

  it('is whitened about middle gray, to three standard deviations', async () => {
    const { examples } = await showBatch(await configOf({}), 4, {});
    for (const { image, whitened } of examples) {
      const mean = image.reduce((sum, x) => sum + x, 0) / image.length;
      const variance = image.reduce((sum, x) => sum + (x - mean) ** 2, 0) / image.length;
      for (const [k, value] of image.entries()) {
        const z = (value - mean) / Math.sqrt(variance);
        expect(Math.abs(whitened[k]! - (127.5 + 42.5 * z))).toBeLessThanOrEqual(0.51);
      }
    }
    expect([...viewable([-4, -3, 0, 3, 9])]).toEqual([0, 0, 128, 255, 255]);
  });

  it('is not shown where nothing is trained', async () => {
    const config = await configOf({ experiment: 'linear' });
    const error = await failure(() => showBatch(config, 4, {}));
    expect([error.kind, error.message]).toEqual(['usage', expect.stringContaining('is linear')]);
  });
});

describe('rethink-gen data show CONFIG', () => {
  it('prints true and given classes, and writes a page and a picture', async () => {
    const out = temporaryFolder();
    const config = write(
      join(out, 'my.yaml'),
      `data: { name: imagetree, dir: '${dir}', size: 12 }\ntrain: { batchSize: 4 }\n`,
    );
    const [page, sheet] = [join(out, 'new/batch.html'), join(out, 'batch.png')];
    const argv = ['data', 'show', config, 'corruption=random-labels', '--images', '9'];
    const { code, stdout } = await cli([...argv, '--html', page, '--png', sheet]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^corruption +random labels$/m);
    expect(stdout).toMatch(/^8 +\d+ +(ant|b<i>ee) +(ant|b<i>ee) +(changed|drawn anew)$/m);
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<img src="data:image\/png;base64,/g)).toHaveLength(3 * 9);
    expect(html).toContain('b&#60;i&#62;ee');
    expect(html).not.toContain('b<i>ee');
    // Nine images, three views each: eight side by side, and one below.
    const { width, height } = await sharp(sheet).metadata();
    expect([width, height]).toEqual([3 * (8 * 14 + 2), 3 * (6 * 14 + 2)]);
    const json = await cli([...argv, '--json']);
    const event = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
      .at(-1);
    expect(event).toMatchObject({ event: 'batch', train: { count: 14, drawn: 14 }, batchSize: 4 });
  });

  it.each([
    [['cifar10', 'corruption=gaussian'], 'corruption=gaussian is for configs'],
    [['synthetic', '--html', 'a.html'], '--html is for configs'],
    [['quickstart'], 'is a sweep whose trials have different images or labels'],
    [['smoke', '--dir', 'x'], '--dir is for data sets'],
  ])('refuses what says nothing: %s', async (argv, why) => {
    const { code, stderr } = await cli(['data', 'show', ...argv]);
    expect([code, stderr.replace(/\s+/g, ' ')]).toEqual([2, expect.stringContaining(why)]);
  });
});
