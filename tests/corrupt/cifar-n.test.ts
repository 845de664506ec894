import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CIFAR10_CLASSES, CIFAR100_CLASSES } from '../../src/data/published/classes.js';
import type { Dataset } from '../../src/data/types.js';
import { PYTHON } from '../helpers/pytorch.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { corrupted } from './helpers.js';

const COUNT = 50_000;

/** Writes CIFAR-10N's and CIFAR-100N's files as they are handed out, of random labels with the rates that are known of theirs. */
const SCRIPT = `
import sys, pickle, numpy as np, torch
out = sys.argv[1]
r = np.random.default_rng(0)
def noisy(y, rate, classes):
    z = y.copy(); at = r.permutation(len(y))[:round(rate * len(y))]
    z[at] = (z[at] + r.integers(1, classes, len(at))) % classes
    return z
y = np.arange(${COUNT}) * 7 % 10
ten = {'clean_label': y, 'aggre_label': noisy(y, .0903, 10), 'worse_label': noisy(y, .4021, 10),
  'random_label1': noisy(y, .1723, 10), 'random_label2': noisy(y, .1812, 10), 'random_label3': noisy(y, .1764, 10)}
fine = np.arange(${COUNT}) * 7 % 100
hundred = {'clean_label': fine, 'noisy_label': noisy(fine, .4020, 100),
  'clean_coarse_label': fine // 5, 'noisy_coarse_label': noisy(fine // 5, .2560, 20)}
order = r.permutation(${COUNT})
for name, d in (('10', ten), ('100', hundred)):
    torch.save(d, f'{out}/{name}.pt')
    torch.save(d, f'{out}/{name}-old.pt', _use_new_zipfile_serialization=False)
    torch.save({k: torch.from_numpy(v) for k, v in d.items()}, f'{out}/{name}-tensors.pt')
    torch.save({k: torch.from_numpy(v) for k, v in d.items()}, f'{out}/{name}-tensors-old.pt', _use_new_zipfile_serialization=False)
    np.save(f'{out}/{name}.npy', d)
    pickle.dump(d, open(f'{out}/{name}.pkl', 'wb'))
    torch.save({k: v[order] for k, v in d.items()}, f'{out}/{name}-ordered.pt')
`;

const folder = temporaryFolder();
let skipped: string | undefined;
try {
  execFileSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'pipe' });
} catch {
  skipped = ' (skipped: RETHINK_GEN_TEST_PYTHON names no Python with PyTorch)';
}

const FORMS = ['.pt', '-old.pt', '-tensors.pt', '-tensors-old.pt', '.npy', '.pkl'];
const SETS = {
  '10': {
    classes: CIFAR10_CLASSES,
    rates: {
      aggre_label: 0.0903,
      worse_label: 0.4021,
      random_label1: 0.1723,
      random_label2: 0.1812,
      random_label3: 0.1764,
    },
  },
  '100': { classes: CIFAR100_CLASSES, rates: { noisy_label: 0.402 } },
} as const;

describe.skipIf(skipped)(`CIFAR-N as a real PyTorch writes it${skipped ?? ''}`, () => {
  beforeAll(() => {
    execFileSync(PYTHON, ['-c', SCRIPT, folder], { stdio: 'pipe' });
  }, 120_000);

  const read = async (name: keyof typeof SETS, form: string, column: string) => {
    const classes = [...SETS[name].classes];
    const labels = Int32Array.from({ length: COUNT }, (_, i) => (i * 7) % classes.length);
    const indices = Uint32Array.from(labels.keys());
    const split = { images: new Uint8Array(COUNT), labels, indices, count: COUNT };
    const shape = { height: 1, width: 1, channels: 1, classes };
    const counts = { train: COUNT, test: COUNT };
    const dataset: Dataset = {
      info: { name: `cifar${name}`, ...shape, counts, origin: 'official' },
      train: split,
      test: split,
      statistics: { mean: [0], variance: [0] },
      hash: '',
    };
    const kind = 'label-file' as const;
    const file = join(folder, `${name}${form}`);
    const given = { kind, fraction: 1, channels: 'together', statistics: 'channel' } as const;
    return corrupted(dataset, [{ ...given, file, column }], 0);
  };

  describe.each(Object.keys(SETS) as (keyof typeof SETS)[])('CIFAR-%sN', (name) => {
    it.each(FORMS)('gives its labels at the known rates from %s', async (form) => {
      for (const [column, rate] of Object.entries(SETS[name].rates)) {
        const { train } = await read(name, form, column);
        const changed = train.labelChanged.reduce((sum, flag) => sum + flag, 0);
        expect([column, changed / COUNT]).toEqual([column, rate]);
      }
    });

    it('is refused in another order', async () => {
      const [column] = Object.keys(SETS[name].rates);
      await expect(read(name, '-ordered.pt', column!)).rejects.toThrow(
        /-ordered\.pt is not in the order of cifar100?: its clean_label agrees with the data for [\d,]+ of 50,000 examples/,
      );
    });
  });
});
