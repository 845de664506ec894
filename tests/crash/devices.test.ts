import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { difference } from '../engines/lowering/lowering.js';
import { cpuPlugin } from '../engines/xla-plugin.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { commandLine, runDirectories } from './process.js';

/** Real command lines on several devices of the CPU, behind RETHINK_GEN_TEST_DEVICES (`npm run test:devices`). */
const LONG = process.env.RETHINK_GEN_TEST_DEVICES;
const { plugin, reason } = LONG ? await cpuPlugin() : { plugin: undefined, reason: ' (skipped)' };

const BIN = resolve('bin/rethink-gen.js');
const EPOCHS = 12;
const STEPS_PER_EPOCH = 8;
const POLL_MS = 2;

function lines(runDir: string, file: string): string[] {
  const path = join(runDir, file);
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

/** Of every step. */
function lossesOf(runDir: string): Float32Array {
  const [header, ...rows] = lines(runDir, 'steps.csv');
  const column = header!.split(',').indexOf('loss');
  return Float32Array.from(rows, (row) => Number(row.split(',')[column]));
}

describe.skipIf(!plugin)(`a run on four devices${reason}`, { timeout: 900_000 }, () => {
  const out = temporaryFolder();
  const config = join(out, 'crash.json');
  let env: Record<string, string>;
  let whole: string;
  beforeAll(async () => {
    env = {
      RETHINK_GEN_PJRT_PLUGIN: plugin!.path,
      XDG_CACHE_HOME: temporaryFolder(),
      XLA_FLAGS: '--xla_force_host_platform_device_count=4',
    };
    const content = {
      name: 'crash',
      data: { name: 'synthetic', limit: 64 * STEPS_PER_EPOCH, testLimit: 100 },
      model: { name: 'mlp', hidden: [64, 32] },
      regularization: { dropout: 0.3, augment: 'full' },
      train: { epochs: EPOCHS, batchSize: 64, stop: 'never' },
      engine: { name: 'xla', devices: 4 },
    };
    writeFileSync(config, JSON.stringify(content));
    const ended = await commandLine(['run', config, '--out', join(out, 'whole')], { out, env });
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    [whole] = runDirectories(join(out, 'whole')) as [string];
  });

  it('killed, goes on with two and with one to what it would have been', async () => {
    const killed = await runUntilKilled(3);
    expect(lossesOf(killed).length).toBeLessThan(EPOCHS * STEPS_PER_EPOCH);
    for (const devices of [4, 2, 1]) {
      const copy = join(temporaryFolder(), 'run');
      cpSync(killed, copy, { recursive: true });
      const argv = ['resume', copy, '--devices', String(devices)];
      const ended = await commandLine(argv, { out, env });
      expect(ended.code, ended.stderr).toBe(0);
      const result = JSON.parse(readFileSync(join(copy, 'result.json'), 'utf8'));
      expect(result).toMatchObject({ epochs: EPOCHS, engine: { name: 'xla', devices } });
      const [now, then] = [lossesOf(copy), lossesOf(whole)];
      expect(now).toHaveLength(EPOCHS * STEPS_PER_EPOCH);
      const apart = difference(now, then);
      console.log(
        `killed on 4 devices, resumed on ${devices}: losses ${apart.toExponential(1)} apart`,
      );
      expect(apart).toBeLessThan(devices === 4 ? 1e-12 : 1e-5);
    }
  });

  /** Kills a run that has so many epochs on the disk. @returns its directory */
  async function runUntilKilled(epochs: number): Promise<string> {
    const root = join(out, 'killed');
    const child = spawn(process.execPath, [BIN, 'run', config, '--out', root, '--quiet'], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const poll = setInterval(() => {
      const [runDir] = runDirectories(root);
      if (runDir && lines(runDir, 'metrics.csv').length > epochs) child.kill('SIGKILL');
    }, POLL_MS);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearInterval(poll);
    expect([code, signal]).toEqual([null, 'SIGKILL']);
    return runDirectories(root)[0]!;
  }
});
