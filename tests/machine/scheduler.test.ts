import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasJobEnded, jobOf } from '../../src/machine/scheduler.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

const ARRAY = {
  SLURM_JOB_ID: '15',
  SLURM_ARRAY_JOB_ID: '12',
  SLURM_ARRAY_TASK_ID: '3',
  SLURM_CLUSTER_NAME: 'alps',
};
const JOB = { scheduler: 'slurm', cluster: 'alps', id: '12_3', restart: 0 } as const;

/** A `squeue` that answers with these words, and a `scontrol` of the cluster `alps`, before all others. */
function fakeSlurm(answer: { stdout?: string; stderr?: string; code?: number }): void {
  const bin = temporaryFolder();
  const { stdout = '', stderr = '', code = 0 } = answer;
  const programs = {
    squeue: `printf '%s' '${stdout}'; printf '%s' '${stderr}' >&2; exit ${code}`,
    scontrol: "echo 'ClusterName             = alps'",
  };
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
}

describe('jobOf', () => {
  it.each([
    [ARRAY, JOB],
    [
      { ...ARRAY, SLURM_RESTART_COUNT: '2' },
      { ...JOB, restart: 2 },
    ],
    [{ SLURM_JOB_ID: '7' }, { scheduler: 'slurm', cluster: null, id: '7', restart: 0 }],
    [{}, null],
    [{ SLURM_JOB_ID: '7; rm -r /' }, null],
    [{ SLURM_JOB_ID: '7', SLURM_RESTART_COUNT: 'often' }, null],
  ])('of %j', (env, job) => {
    expect(jobOf(env)).toEqual(job);
  });
});

describe('hasJobEnded', () => {
  it('is said by a later start of the same task, without asking', async () => {
    vi.stubEnv('PATH', '');
    expect(await hasJobEnded(JOB, { ...ARRAY, SLURM_RESTART_COUNT: '1' })).toBe(true);
    expect(await hasJobEnded(JOB, ARRAY)).toBe(false);
    expect(await hasJobEnded({ ...JOB, restart: 2 }, { ...ARRAY, SLURM_RESTART_COUNT: '1' })).toBe(
      false,
    );
  });

  it.each([
    ['runs', { stdout: 'RUNNING             0         \n' }, false],
    ['writes its last checkpoint', { stdout: 'COMPLETING 0\n' }, false],
    ['was started again', { stdout: 'RUNNING 1\n' }, true],
    ['waits to be started again', { stdout: 'PENDING 1\n' }, true],
    ['was canceled', { stdout: 'CANCELLED 0\n' }, true],
    ['lost its node', { stdout: 'NODE_FAIL 0\n' }, true],
    [
      'ended long ago',
      { stderr: 'slurm_load_jobs error: Invalid job id specified', code: 1 },
      true,
    ],
    ['is of a controller that is away', { stderr: 'Unable to contact', code: 1 }, false],
    ['is answered with nothing', {}, false],
  ])('of a job that %s', async (_, answer, ended) => {
    fakeSlurm(answer);
    expect(await hasJobEnded(JOB, {})).toBe(ended);
    // Its number is another job's there.
    expect(await hasJobEnded({ ...JOB, cluster: 'cray' }, {})).toBe(false);
    expect(await hasJobEnded({ ...JOB, cluster: null }, {})).toBe(false);
  });

  it('is not known where there is no Slurm', async () => {
    vi.stubEnv('PATH', '');
    expect(await hasJobEnded(JOB, {})).toBe(false);
  });
});
