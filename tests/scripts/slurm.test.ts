import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { fakeRethinkGen, program, RUN, SCRIPTS, start, until } from './helpers.js';

let folder: string;
let fake: ReturnType<typeof fakeRethinkGen>;
beforeEach(() => {
  folder = temporaryFolder();
  fake = fakeRethinkGen(folder);
  program(join(folder, 'scontrol'), `#!/bin/sh\necho "$*" >>'${join(folder, 'requeued')}'\n`);
});

/** One task of an array job, as Slurm starts it. */
function task(number: number, args: string[], env: Record<string, string> = {}) {
  return start('bash', [join(SCRIPTS, 'slurm.sbatch'), ...args], {
    cwd: folder,
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      SLURM_ARRAY_JOB_ID: '77',
      SLURM_ARRAY_TASK_ID: String(number),
      ...env,
    },
  });
}

const requeued = () => existsSync(join(folder, 'requeued'));

describe('slurm.sbatch', () => {
  it('takes the config of its number', async () => {
    const { code } = await task(1, ['a.yaml', 'b.yaml', '--', 'model.name=mlp']).ended;
    expect(code).toBe(0);
    expect(fake.calls()).toEqual(['run b.yaml --out results/slurm/77/1 model.name=mlp gpu=']);
    const beyond = await task(2, ['a.yaml', 'b.yaml']).ended;
    expect(beyond.code).toBe(2);
    expect(beyond.stderr).toBe('There is no config number 2: 2 were given.\n');
  });

  it('takes the seed of its number where there is one config', async () => {
    await task(5, ['a.yaml']).ended;
    expect(fake.calls()).toEqual(['run a.yaml --out results/slurm/77/5 seed=5 gpu=']);
  });

  it('queues a run that is out of time again, and goes on with it', async () => {
    const { child, ended } = task(5, ['forever.yaml']);
    await until(() => fake.calls().length === 1);
    child.kill('SIGUSR1');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Out of time');
    expect(fake.calls().at(-1)).toBe('checkpoint');
    expect(readFileSync(join(folder, 'requeued'), 'utf8')).toBe('requeue 77_5\n');
    await task(5, ['forever.yaml']).ended;
    expect(fake.calls().at(-1)).toBe(`resume results/slurm/77/5/${RUN} gpu=`);
  });

  it.each([
    ['before', "trap ':' TERM"],
    ['while', 'run=$!'],
    ['after', "trap '' TERM"],
  ])('tells a run once where its time is up %s it is started', async (_when, WANTED) => {
    const log = join(folder, 'told');
    program(join(folder, 'rethink-gen'), '#!/bin/sh\nsleep 0.2; exit 143\n');
    // Bash reads this first, and then has the signal to handle right after that command.
    const hook = join(folder, 'hook.sh');
    write(
      hook,
      `kill() { [ "$1" != -TERM ] || echo "$1" >>"${log}"; builtin kill "$@"; }
hook() { [ "$BASH_COMMAND" != "$WANTED" ] || { trap - DEBUG; builtin kill -USR1 $$; }; }
trap hook DEBUG\n`,
    );
    const { code } = await task(5, ['a.yaml'], { BASH_ENV: hook, WANTED }).ended;
    expect([code, requeued()]).toEqual([0, true]);
    expect(readFileSync(log, 'utf8')).toBe('-TERM\n');
  });

  it('does not queue what somebody canceled, and waits for its checkpoint', async () => {
    const { child, ended } = task(5, ['forever.yaml']);
    await until(() => fake.calls().length === 1);
    child.kill('SIGTERM');
    // Slurm sends it to every process of the task.
    process.kill(fake.pid(), 'SIGTERM');
    expect((await ended).code).toBe(143);
    expect(fake.calls().at(-1)).toBe('checkpoint');
    expect(requeued()).toBe(false);
  });

  it('ends as its run does, and is not queued again for a failure', async () => {
    expect((await task(0, ['fail.yaml']).ended).code).toBe(4);
    expect(requeued()).toBe(false);
    expect((await start('bash', [join(SCRIPTS, 'slurm.sbatch')]).ended).code).toBe(2);
  });
});
