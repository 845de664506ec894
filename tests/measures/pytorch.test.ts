import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../src/engines/types.js';
import { folded } from '../../src/measures/fold.js';
import { layerNorms } from '../../src/measures/norms.js';
import { pathNorm } from '../../src/measures/path-norm.js';
import { PYTHON, withoutTorch } from '../helpers/pytorch.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { build, trainedState } from './helpers.js';

const skipped = withoutTorch();

const SIDE = 12;
const CLASSES = 10;

describe.skipIf(skipped !== '')(`norms as PyTorch computes them${skipped}`, () => {
  it.each([
    [{ name: 'mlp', hidden: [32, 16] }],
    [{ name: 'cnn5', width: 4 }],
    [{ name: 'resnet18', width: 4 }],
  ])('%j', async (config) => {
    const model = build(config, [SIDE, SIDE, 3], CLASSES);
    const state = trainedState(model);
    const tensors = (kind: string) =>
      Object.entries(state)
        .filter(([name]) => name.startsWith(`${kind}/`))
        .map(([, { shape, data }]: [string, HostTensor]) => ({
          shape,
          data: Buffer.from(data.buffer).toString('base64'),
        }));
    const folder = temporaryFolder();
    const [given, result] = [join(folder, 'given.json'), join(folder, 'result.json')];
    const content = {
      model: config.name === 'mlp' ? { ...config, side: SIDE } : config,
      side: SIDE,
      classes: CLASSES,
      epsilon: 1e-3,
      parameters: tensors('param'),
      statistics: tensors('statistic'),
    };
    writeFileSync(given, JSON.stringify(content));
    execFileSync(PYTHON, [join(import.meta.dirname, 'measures.py'), given, result]);
    const expected = JSON.parse(readFileSync(result, 'utf8'));

    const weights = folded(model, state);
    const layers = await layerNorms(model, weights, weights);
    const ratios = [
      ...layers.map(({ frobenius }, i) => frobenius / expected.frobenius[i]),
      ...layers.map(({ spectral }, i) => spectral / expected.spectral[i]),
      (await pathNorm(model, weights)) / expected.path_norm,
    ];
    expect(expected.spectral.length).toBe(layers.length);
    for (const ratio of ratios) expect(ratio).toBeCloseTo(1, 6);
    expect(layers.every(({ spectral_distance }) => spectral_distance === 0)).toBe(true);
  });
});
