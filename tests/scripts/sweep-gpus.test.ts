import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { fakeRethinkGen, program, SCRIPTS, start, until } from './helpers.js';

let folder: string;
let fake: ReturnType<typeof fakeRethinkGen>;
beforeEach(() => {
  folder = temporaryFolder();
  fake = fakeRethinkGen(folder);
});

function sweep(args: string[], env: NodeJS.ProcessEnv = {}) {
  return start(join(SCRIPTS, 'sweep-gpus.sh'), args, {
    cwd: folder,
    env: { PATH: process.env.PATH, RETHINK_GEN: fake.command, ...env },
  });
}

function configs(...names: string[]): string[] {
  for (const name of names) write(join(folder, name), '{}');
  return names;
}

describe('sweep-gpus.sh', () => {
  it('runs every config on one of the GPUs, with a log each', async () => {
    const files = configs('a.yaml', 'b.yaml', 'c.json');
    const args = ['-g', '2,5', '-o', 'out', ...files, '--', 'seed=3', 'data.limit=10'];
    const { code, stdout, stderr } = await sweep(args).ended;
    expect([code, stderr]).toEqual([0, '']);
    const calls = fake.calls();
    expect(calls.map((line) => line.replace(/ gpu=[25]$/, '')).sort()).toEqual(
      files.map((file) => `run ${file} --out out seed=3 data.limit=10`),
    );
    // The first two start together, and a GPU is given again only when its run has ended.
    expect(
      calls
        .slice(0, 2)
        .map((line) => line.slice(-5))
        .sort(),
    ).toEqual(['gpu=2', 'gpu=5']);
    for (const file of files) expect(stdout).toContain(`${file} is done`);
    expect(readFileSync(join(folder, 'out/logs/002-c.log'), 'utf8')).toBe('output of c.json\n');
  });

  it('goes on after a run that fails, and ends with 1', async () => {
    const { code, stderr } = await sweep(['-g', '0', ...configs('fail.yaml', 'b.yaml')]).ended;
    expect(code).toBe(1);
    expect(stderr).toBe('GPU 0: fail.yaml ended with 4 (log: results/logs/000-fail.log)\n');
    expect(fake.calls()).toHaveLength(2);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stops every run after a checkpoint', async (signal, expected) => {
    const files = configs('forever1.yaml', 'forever2.yaml', 'c.yaml');
    const { child, ended } = sweep(['-g', '0,1', ...files]);
    await until(() => fake.calls().length === 2);
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(code).toBe(expected);
    expect(fake.calls().slice(2)).toEqual(['checkpoint', 'checkpoint']);
    expect(stderr).toContain('Stopping all runs (2) after a checkpoint each');
    expect(stderr).toContain('Stopped; configs that were not started: 1');
  });

  it('takes the GPUs of the scheduler, else those of the machine', async () => {
    const [file] = configs('a.yaml');
    await sweep([file!], { CUDA_VISIBLE_DEVICES: '7' }).ended;
    const bin = join(folder, 'bin');
    program(join(bin, 'nvidia-smi'), '#!/bin/sh\necho 4\n');
    await sweep([file!], { PATH: `${bin}:${process.env.PATH}` }).ended;
    expect(fake.calls().map((line) => line.slice(-5))).toEqual(['gpu=7', 'gpu=4']);
  });

  it('refuses what it cannot do before anything runs', async () => {
    const none = await sweep(['-g', '0']).ended;
    expect([none.code, none.stdout]).toEqual([2, '']);
    expect(none.stderr).toContain('scripts/sweep-gpus.sh [-g 0,1,2,3]');
    const absent = await sweep(['-g', '0', ...configs('a.yaml'), 'absent.yaml']).ended;
    expect(absent).toMatchObject({ code: 2, stderr: 'error: There is no absent.yaml.\n' });
    expect(fake.calls()).toEqual([]);
  });
});
