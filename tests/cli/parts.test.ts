import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { Lock } from '../../src/disk/lock.js';
import { RethinkError } from '../../src/errors.js';
import { claimFolder } from '../../src/sweep/find.js';
import { configFile } from '../config/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { cli, fakeRunner } from './helpers.js';

const SWEEP = 'name: s\nsweep:\n  seeds: 3\n';

describe('run --trial', () => {
  it.each([
    ['1/3', ['seed=0']],
    ['3/3', ['seed=2']],
    ['1/2', ['seed=0', 'seed=2']],
    // More parts than trials.
    ['9/9', []],
  ])('%s runs its part', async (part, labels) => {
    const argv = ['run', await configFile(SWEEP), '--trial', part];
    const { code, stdout, stderr } = await cli(argv);
    expect([code, stdout.match(/seed=\d/g) ?? []]).toEqual([0, labels]);
    expect(stderr).toContain(`running ${labels.length} of 3 trials (--trial ${part})\n`);
  });

  it.each(['0/3', '4/3', '3', '1/0', '1/2/3', 'a/b', '-1/3', '1.5/3'])(
    '%s is no part',
    async (part) => {
      const { code, stderr } = await cli(['run', await configFile(SWEEP), `--trial=${part}`]);
      expect(code).toBe(2);
      expect(stderr).toContain('from 1: 3/40');
    },
  );

  it('is for sweeps', async () => {
    const { code, stderr } = await cli(['run', await configFile('name: s\n'), '--trial', '1/2']);
    expect(code).toBe(2);
    expect(stderr).toContain('has no sweep');
  });

  it('leaves a trial to the process that has it, says so, and exits with 0', async () => {
    const out = temporaryFolder();
    const path = await configFile(SWEEP);
    const folder = claimFolder(out, (await loadExperiment(path)).trials[1]!);
    mkdirSync(folder, { recursive: true });
    const lock = await Lock.acquire(folder);
    const { code, stdout, stderr } = await cli(['run', path, '--out', out]);
    lock.release();
    expect([code, stdout.match(/seed=\d/g)]).toEqual([0, ['seed=0', 'seed=2']]);
    const who = `process ${process.pid} on ${hostname()}`;
    expect(stderr).toContain(`1 trial left to others that run them now: ${who}\n`);
  });

  it('is not interrupted where another process took a run over, and the run alone exits with 75', async () => {
    const runner = fakeRunner();
    const lost = new RethinkError('lost', '/run no longer belongs to this process: it is gone.');
    runner.runExperiment = () => Promise.reject(lost);
    const sweep = await cli(['run', await configFile(SWEEP)], { runner });
    expect([sweep.code, sweep.stderr]).toEqual([0, expect.stringContaining('3 trials left')]);
    const single = await cli(['run', await configFile('name: s\n')], { runner });
    expect([single.code, single.stderr]).toEqual([75, expect.stringContaining(lost.message)]);
  });
});
