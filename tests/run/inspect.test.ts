import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { missing, parameters } from '../../src/run/inspect.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

async function configOf(...overrides: string[]) {
  return (await loadExperiment({}, { overrides })).base!;
}

describe('what a dry run knows', () => {
  it.each([
    ['inception with BatchNorm', ['data.name=cifar10'], 1_649_402],
    ['inception without', ['data.name=cifar10', 'model.batchNorm=false'], 1_649_402],
    ['alexnet', ['data.name=cifar10', 'model.name=alexnet'], 1_387_786],
    ['mlp 1×512', ['data.name=cifar10', 'model.name=mlp'], 1_209_866],
    ['mlp 3×512', ['data.name=cifar10', 'model.name=mlp', 'model.hidden=[512,512,512]'], 1_735_178],
    [
      'inception-v3',
      ['data.name=imagenet', 'data.size=320', 'data.crop=299', 'model.name=inception-v3'],
      23_817_352,
    ],
  ])('%s has the paper’s parameters, without data', async (_, overrides, expected) => {
    expect(await parameters(await configOf(...overrides))).toBe(expected);
  });

  it('takes the number of classes from a subset, and does not guess it for an archive', async () => {
    const v3 = ['data.name=imagenet', 'data.size=80', 'model.name=inception-v3'];
    const subset = await configOf(...v3, 'data.dir=absent.tar', 'data.subset.classes=10');
    expect(await parameters(subset)).toBe(23_817_352 - 2049 * 990);
    expect(await parameters(await configOf(...v3, 'data.dir=absent.tar'))).toBeUndefined();
  });

  it('refuses images too small for the network', async () => {
    const config = await configOf('data.name=cifar10', 'model.name=inception-v3');
    await expect(parameters(config)).rejects.toThrow('at least 75×75, not 28×28');
  });

  it('cannot count for images it has not seen', async () => {
    expect(
      await parameters(await configOf('data.name=imagetree', 'data.dir=absent')),
    ).toBeUndefined();
  });

  it('says what data is missing and how to get it', async () => {
    const folder = temporaryFolder();
    const [sentence] = await missing(
      await configOf(`data.dir=${folder}`, 'engine.name=wasm'),
      undefined,
    );
    expect(sentence).toContain(`cifar10 was not found in ${folder}. `);
    expect(sentence).toContain('rethink-gen data fetch cifar10');
    expect(
      await missing(
        await configOf('data.name=imagetree', 'data.dir=absent', 'engine.name=wasm'),
        undefined,
      ),
    ).toEqual([
      expect.stringMatching(/^data\.dir is .*absent, and there is no such file or folder\.$/),
    ]);
    expect(
      await missing(await configOf('data.name=synthetic', 'engine.name=wasm'), undefined),
    ).toEqual([]);
  });
});
