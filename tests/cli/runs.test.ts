import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { Lock } from '../../src/disk/lock.js';
import { SweepDirectory, sweepOf } from '../../src/sweep/directory.js';
import { widthOf } from '../../src/text.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { namedRun } from '../record/listing/helpers.js';
import { cli } from './helpers.js';

let root: string;
let clean: string;
let random: string;
let second: string;

/** One network with true labels, and with random ones of two seeds. */
beforeEach(async () => {
  root = join(temporaryFolder(), 'results');
  const mlp = { model: { name: 'mlp' } };
  const labels = { ...mlp, corruption: 'random-labels' };
  clean = await namedRun(root, 'clean', '11111111', {
    config: mlp,
    test: 0.75,
    time: '20261124T101530Z',
  });
  random = await namedRun(root, 'random', '22222222', {
    config: { ...labels, seed: 0 },
    test: 0.125,
    time: '20261125T101530Z',
  });
  second = await namedRun(root, 'random', '33333333', {
    config: { ...labels, seed: 1 },
    test: 0.0625,
    time: '20261126T101530Z',
  });
});

const lines = (text: string) => text.split('\n').slice(0, -1);
const events = (text: string) => lines(text).map((line) => JSON.parse(line));

describe('runs', () => {
  it('lists them, the newest first, with what was swept', async () => {
    const { code, stdout, stderr } = await cli(['runs', root]);
    expect([code, stderr]).toEqual([0, '']);
    expect(lines(stdout)).toEqual([
      expect.stringMatching(
        /^name +swept +state +epoch +train acc +test acc +gap +time +when +id$/,
      ),
      expect.stringMatching(
        /^random +corruption\.kind=random-labels, seed=1 +finished +2 +100\.00 % +6\.25 % +93\.75 % +1\.0 s +2026-11-26 10:15 +333333$/,
      ),
      expect.stringMatching(/^random +corruption\.kind=random-labels, seed=0 +finished .* 222222$/),
      expect.stringMatching(/^clean +corruption\.kind=none, seed=0 +finished .* 111111$/),
      '',
      '3 runs: 3 finished',
    ]);
  });

  it('chooses, sorts, cuts, and shows the columns that are asked for', async () => {
    const ids = async (...argv: string[]) =>
      lines((await cli(['runs', root, '--columns', 'id,seed', ...argv])).stdout)
        .slice(1, -2)
        .map((line) => line.slice(0, 6));
    expect(await ids('--sort', 'test_accuracy')).toEqual(['333333', '222222', '111111']);
    expect(await ids('--sort', '-test')).toEqual(['111111', '222222', '333333']);
    expect(await ids('--sort', 'started', '--limit', '2')).toEqual(['111111', '222222']);
    expect(await ids('--where', 'corruption=random-labels', '--where', 'seed=0')).toEqual([
      '222222',
    ]);
    const none = await cli(['runs', root, '--where', 'state=failed']);
    expect(none).toEqual({ code: 0, stdout: '0 of 3 runs\n', stderr: '' });
  });

  it('groups them over seeds; a copy is none of its own, and one under way does not count', async () => {
    const config = { model: { name: 'mlp' }, corruption: 'random-labels' };
    await namedRun(root, 'copy', '22222222', {
      config,
      test: 0.9,
      time: '20261127T101530Z',
      train: [1],
    });
    await namedRun(root, 'random', '44444444', {
      config: { ...config, seed: 2 },
      state: 'running',
      train: [0.1],
    });
    const { stdout } = await cli(['runs', root, '--group', '--json']);
    const groups = events(stdout);
    expect(groups).toHaveLength(2);
    expect(groups.find(({ name }) => name === 'clean')).toMatchObject({ n: 1, repeats: 0 });
    expect(groups.find(({ name }) => name !== 'clean')).toMatchObject({
      event: 'group',
      swept: { 'corruption.kind': 'random-labels' },
      n: 2,
      repeats: 1,
      test_accuracy: { mean: 0.09375, low: 0.0625, high: 0.125, count: 2 },
    });
    const text = await cli(['runs', root, '--group']);
    expect(text.stdout).toMatch(
      /corruption\.kind=random-labels +1 running, 2 finished|2 finished, 1 running/,
    );
    expect(text.stdout).toMatch(/^ {2}range of 2 seeds .* 6\.3–12\.5 %/m);
  });

  it('tells them to programs: one JSON object a line, and CSV with numbers in full', async () => {
    const { stdout } = await cli(['runs', root, '--json', '--where', 'test>0.1', '--sort', 'test']);
    expect(events(stdout)).toMatchObject([
      {
        event: 'run',
        id: '222222',
        run_dir: random,
        sweep: null,
        name: 'random',
        state: 'finished',
        epoch: 2,
        test_accuracy: 0.125,
        started: '2026-11-25T10:15:30Z',
        swept: { 'corruption.kind': 'random-labels' },
        config: { 'model.name': 'mlp', seed: 0 },
      },
      { event: 'run', run_dir: clean },
    ]);
    const csv = await cli(['runs', root, '--csv', '--columns', 'id,swept,test_accuracy']);
    expect(csv.stdout).toBe(
      'id,corruption.kind,seed,test_accuracy\n333333,random-labels,1,0.0625\n222222,random-labels,0,0.125\n111111,none,0,0.75\n',
    );
    expect((await cli(['runs', root, '--csv', '--json'])).code).toBe(2);
  });

  it.each([
    [['--where', 'model.nam=mlp'], /Did you mean model\.name\?/],
    [['--sort', 'tset'], /Did you mean test/],
    [['--columns', 'id,nmae'], /Did you mean name\?/],
    [['--where', 'mlp'], /is not of the form key=value/],
    [['--limit', '0'], /whole number of at least 1/],
  ])('answers a mistake: %j', async (argv, message) => {
    const { code, stdout, stderr } = await cli(['runs', root, ...argv]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  it.each([30, 80, 110])('fits %i columns', async (columns) => {
    const hidden = {
      model: { name: 'mlp', hidden: [1, 2, 3, 4, 5, 6, 7, 8] },
      data: { limit: 1000 },
    };
    await namedRun(root, 'a-run-with-a-long-name-that-somebody-gave', '55555555', {
      config: hidden,
    });
    for (const argv of [
      ['runs', root],
      ['runs', root, '--group'],
      ['runs', 'diff', clean, random],
    ]) {
      const { stdout } = await cli(argv, { columns });
      // A path is never broken, so that it can be copied; of a table it is a part.
      for (const line of lines(stdout)) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
      if (argv.length === 2) expect(stdout).toContain('12.50 %');
    }
  });

  it('shows names of strangers as what they are', async () => {
    const evil = '=cmd|x\u001b[2J\u202e\nerror: lost<script>';
    const path = await namedRun(root, 'evil', '66666666');
    writeFileSync(
      join(path, 'config.json'),
      JSON.stringify({ name: evil, [evil]: evil, model: { name: evil } }),
    );
    for (const argv of [
      ['runs', root],
      ['runs', root, '--group'],
      ['runs', root, '--csv'],
      ['runs', root, '--json'],
      ['runs', 'diff', path, clean],
    ]) {
      const { code, stdout } = await cli(argv);
      expect(code).toBe(0);
      for (const line of lines(stdout)) {
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(line).not.toMatch(/^\s*error:/);
      }
      if (argv.includes('--csv')) expect(stdout).toMatch(/^'=cmd/m);
    }
  });

  it('folds a sweep into a line with its progress, and unfolds it', async () => {
    const experiment = await loadExperiment({
      name: 'sweep',
      model: { name: 'mlp' },
      sweep: { seed: [0, 1, 2] },
    });
    const directory = SweepDirectory.open(join(root, 'sweep'));
    await directory.writeDefinition(sweepOf(experiment));
    const [one, two] = experiment.trials;
    const config = { model: { name: 'mlp' } };
    await namedRun(root, 'sweep', one!.id, {
      config: { ...config, seed: 0 },
      time: '20261123T101530Z',
    });
    const going = await namedRun(root, 'sweep', two!.id, {
      config: { ...config, seed: 1 },
      state: 'running',
      time: '20261123T101531Z',
    });
    const folded = await cli(['runs', root]);
    expect(folded.stdout).toMatch(/^sweep +seed +1 of 3 done, 1 running .* 2026-11-23 10:15$/m);
    expect(folded.stdout).not.toContain(two!.id.slice(0, 6));
    const { stdout } = await cli(['runs', root, '--trials']);
    expect(stdout).toMatch(new RegExp(`^ {2}· +seed=1 +running .* ${two!.id.slice(0, 6)}$`, 'm'));
    expect(events((await cli(['runs', root, '--json'])).stdout)[0]).toMatchObject({
      event: 'sweep',
      name: 'sweep',
      trials: 3,
      swept: ['seed'],
      states: { finished: 1, running: 1, 'not begun': 1 },
    });
    expect(
      (await cli(['runs', root, '--where', 'state=running', '--columns', 'id'])).stdout,
    ).toContain(basename(going).slice(-8, -2));
    // Nothing runs of what is removed.
    const refused = await cli(['runs', 'rm', join(root, 'sweep'), '--yes']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/is running, and is left as it is/);
  });
});

describe('runs diff', () => {
  it('says where two runs differ, side by side', async () => {
    const { code, stdout } = await cli(['runs', 'diff', clean, random]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^corruption\.kind +none +random-labels$/m);
    expect(stdout).toMatch(/^last\.test_accuracy +75\.00 % +12\.50 % +−62\.50 %$/m);
    expect(stdout).toContain('The environments agree.');
    expect(stdout).not.toContain('model.name');
    expect((await cli(['runs', 'diff', clean, random, '--all'])).stdout).toMatch(
      /^model\.name +mlp +mlp$/m,
    );
  });

  it('tells it to programs, and of a run with itself nothing', async () => {
    const [event] = events((await cli(['runs', 'diff', clean, random, '--json'])).stdout);
    expect(event).toMatchObject({
      event: 'difference',
      a: clean,
      b: random,
      config: {
        'corruption.kind': { a: 'none', b: 'random-labels' },
        'corruption.fraction': { a: null, b: 1 },
      },
      results: { 'last.test_accuracy': { a: 0.75, b: 0.125 } },
    });
    const [same] = events((await cli(['runs', 'diff', clean, clean, '--json'])).stdout);
    expect(same).toMatchObject({ config: {}, environment: {}, results: {} });
  });
});

describe('runs rm', () => {
  it('shows what it would remove and how large that is, and asks', async () => {
    const no = await cli(['runs', 'rm', clean], { answer: 'n' });
    expect(no).toMatchObject({ code: 0, stdout: '' });
    expect(no.stderr).toMatch(/finished, epoch 2 +\d\.\d kB/);
    expect(no.stderr).toContain('Nothing was removed.');
    expect(existsSync(clean)).toBe(true);
    const yes = await cli(['runs', 'rm', clean, random], { answer: 'y' });
    expect(yes.stdout).toMatch(/^Removed 2 runs, \d+\.\d kB\.\n$/);
    expect([clean, random, second].map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(readdirSync(join(root, 'random'))).toEqual([basename(second)]);
  });

  it('removes nothing where nobody can be asked, but with --yes', async () => {
    const refused = await cli(['runs', 'rm', clean]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('hint: With --yes');
    expect(existsSync(clean)).toBe(true);
    const { stdout } = await cli(['runs', 'rm', clean, '--yes', '--json']);
    expect(events(stdout)).toEqual([{ event: 'removed', path: clean, bytes: expect.any(Number) }]);
    expect((await cli(['runs', 'rm'])).code).toBe(2);
  });

  it('leaves a run that runs: by its word, and by its lock', async () => {
    const going = await namedRun(root, 'going', '77777777', { state: 'running' });
    expect(await cli(['runs', 'rm', clean, going, '--yes'])).toMatchObject({ code: 1, stdout: '' });
    expect([clean, going].map((path) => existsSync(path))).toEqual([true, true]);
    const lock = await Lock.acquire(clean);
    try {
      expect(await cli(['runs', 'rm', clean, '--yes'])).toMatchObject({ code: 1 });
    } finally {
      lock.release();
    }
    expect(existsSync(clean)).toBe(true);
    const chosen = await cli(['runs', 'rm', root, '--where', 'epoch>=1', '--yes']);
    expect(chosen.stdout).toMatch(/^Removed 3 runs/);
    expect(chosen.stderr).toMatch(/going.* is running, and is left as it is/);
    expect(existsSync(going)).toBe(true);
  });

  it('clears away what an earlier one could not finish, and nothing else', async () => {
    const half = join(root, `random/.${basename(random)}.123-0123abcd.removed`);
    const mine = join(root, 'random/.mine');
    for (const folder of [half, mine]) mkdirSync(folder);
    writeFileSync(join(half, 'config.json'), '{}');
    expect((await cli(['runs', root])).stdout).toContain('3 runs');
    await cli(['runs', 'rm', random, '--yes']);
    expect([half, mine].map((path) => existsSync(path))).toEqual([false, true]);
  });

  it('removes a trial and renews the table of its sweep, or a sweep as a whole', async () => {
    const experiment = await loadExperiment({
      name: 'sweep',
      model: { name: 'mlp' },
      sweep: { seed: [0, 1] },
    });
    const directory = SweepDirectory.open(join(root, 'sweep'));
    await directory.writeDefinition(sweepOf(experiment));
    const paths: string[] = [];
    for (const [i, { id }] of experiment.trials.entries()) {
      paths.push(
        await namedRun(root, 'sweep', id, { config: { model: { name: 'mlp' }, seed: i } }),
      );
    }
    writeFileSync(join(root, 'sweep/trials.csv'), 'old');
    const asked = await cli(['runs', 'rm', paths[0]!], { answer: 'y' });
    expect(asked.stderr).toMatch(/a trial of/);
    expect(readFileSync(join(root, 'sweep/trials.csv'), 'utf8')).toMatch(/not run[\s\S]*finished/);
    const whole = await cli(['runs', 'rm', join(root, 'sweep')], { answer: 'yes' });
    expect(whole.stderr).toMatch(/sweep of 2 trials, 1 run /);
    expect(existsSync(join(root, 'sweep'))).toBe(false);
    expect(existsSync(clean)).toBe(true);
  });
});

describe('an id', () => {
  it('names a run wherever one is asked for', async () => {
    const json = async (...argv: string[]) => events((await cli(argv)).stdout)[0];
    expect(
      await json('runs', 'diff', join(root, '111111'), join(root, '2222'), '--json'),
    ).toMatchObject({ a: clean, b: random });
    expect(await json('runs', join(root, '333333'), '--json')).toMatchObject({ run_dir: second });
    const unknown = await cli(['runs', 'diff', join(root, '999999'), clean]);
    expect(unknown).toMatchObject({ code: 3 });
  });

  it('of several is answered with all of them', async () => {
    const again = await namedRun(root, 'random', '22223333', { time: '20261127T101530Z' });
    const { code, stderr } = await cli(['runs', 'diff', join(root, '2222'), clean]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/2 runs are called .*2222:/);
    expect(stderr).toContain('222222');
    expect(stderr).toContain(basename(again));
  });
});
