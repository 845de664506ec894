import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { program, SCRIPTS, start } from './helpers.js';

const bench = (...args: string[]) =>
  start(process.execPath, [join(SCRIPTS, 'bench/run.mjs'), ...args]).ended;

/** A data folder as far as the script looks at it. */
function dataFolder(): string {
  const folder = temporaryFolder();
  write(join(folder, 'cifar10/train.bin'), '');
  return folder;
}

describe('run.mjs', () => {
  it('times a run of ours by epoch and in all', async () => {
    const { code, stdout } = await bench(
      ...['--data-dir', dataFolder(), '--forms', 'none', '--engine', 'wasm', '--json'],
      ...['--images', '640', '--epochs', '2', '--rounds', '1', '--labels', 'random'],
      ...['data.name=synthetic', 'model.hidden=[8]'],
    );
    expect(code).toBe(0);
    const { results, ratios, ...what } = JSON.parse(stdout);
    expect(what).toEqual({ event: 'run', model: 'mlp', precision: 'float32', labels: 'random' });
    const [{ runs }] = results;
    expect(runs).toEqual([expect.objectContaining({ epochs: 2 })]);
    const { epoch, train, whole } = runs[0];
    expect(train).toBeGreaterThan(0);
    expect(epoch).toBeGreaterThan(train);
    expect(whole).toBeGreaterThan(epoch);
    expect(ratios).toEqual([]);
    // The command compiles a checkout that has changed first.
  }, 180_000);

  it('says what a run of ours failed with, and goes on with the peer', async () => {
    const python = program(
      join(temporaryFolder(), 'python'),
      `#!/bin/sh
[ "$1" = -c ] && exit
echo '{"epochs": [{"seconds": 9, "train_seconds": 8}, {"seconds": 2, "train_seconds": 1}], "train_accuracy": 0.5}'
`,
    );
    const { code, stdout, stderr } = await bench(
      ...['--data-dir', dataFolder(), '--python', python, '--engine', 'wasm', '--rounds', '1'],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/round 1, wasm: \S/);
    expect(stdout).toMatch(/^wasm +failed: /m);
    // The first epoch does not count.
    expect(stdout).toMatch(/^PyTorch eager-nchw +2\.00 +1\.00 .* 50\.00 /m);
  }, 180_000);

  it('refuses what it cannot compare', async () => {
    expect(await bench()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--data-dir has no cifar10 in it'),
    });
    expect(await bench('--data-dir', dataFolder(), 'model.hidden=[8]')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'model.hidden=[8]' would change our run alone"),
    });
  });
});
