import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { program, start } from './helpers.js';

const PAPER = resolve(import.meta.dirname, '../../configs/paper');
const parts = [...readFileSync(join(PAPER, 'full.sh'), 'utf8').matchAll(/^ {2}([a-z-]+)\)/gm)].map(
  ([, part]) => part!,
);

/** The experiments that a script of the folder would run, by name. */
async function experiments(script: string, ...args: string[]) {
  const folder = temporaryFolder();
  const command = program(
    join(folder, 'rethink-gen'),
    `#!/usr/bin/env bash
printf '%s\\n' "$@" --- >>"${folder}/calls"
`,
  );
  const { code, stderr } = await start(join(PAPER, script), args, {
    env: { ...process.env, RETHINK_GEN: command },
  }).ended;
  expect(code, stderr).toBe(0);
  const calls = readFileSync(join(folder, 'calls'), 'utf8').split('\n---\n');
  const runs = calls.map((call) => call.split('\n')).filter(([verb]) => verb === 'run');
  return Promise.all(
    runs.map(async ([, config, ...rest]) => {
      const overrides = rest.filter((word, i) => word.includes('=') && rest[i - 1] !== '--out');
      return (await loadExperiment(config!, { overrides })).trials.map((trial) => trial.config);
    }),
  );
}

describe('the scripts of configs/paper', () => {
  it('name experiments that there are, on all images or scaled', async () => {
    expect(parts).toContain('mlp');
    for (const part of parts) {
      const configs = (await experiments('full.sh', part, 'out')).flat();
      expect(configs.length, part).toBeGreaterThan(0);
      if (part === 'theory') continue;
      for (const { data } of configs) expect(data).not.toHaveProperty('limit');
    }
    const scaled = (await experiments('scaled.sh', 'out', 'engine.precision=bfloat16')).flat();
    const trained = scaled.filter(({ experiment }) => experiment === 'train');
    expect(trained.length).toBeGreaterThan(20);
    for (const { data, engine } of trained) {
      expect(data.limit).toBeLessThanOrEqual(2000);
      expect(engine.precision).toBe('bfloat16');
    }
  });

  it('have all rows of the MLPs and AlexNet in tables 1 and 4', async () => {
    const rows = async (part: string) =>
      (await experiments('full.sh', part, 'out'))
        .flat()
        .map(({ regularization, corruption }) => [
          ...[regularization.weightDecay, regularization.augment.crop, corruption.length],
        ]);
    expect(await rows('alexnet')).toHaveLength(6);
    expect(new Set((await rows('alexnet')).map(String)).size).toBe(6);
    expect(await rows('mlp-seeds')).toHaveLength(5 * 8);
  });

  it('tell their parts where none is named', async () => {
    const { code, stderr } = await start(join(PAPER, 'full.sh'), []).ended;
    expect(code).toBe(2);
    for (const part of parts) expect(stderr).toContain(`\n  ${part} `);
  });
});
