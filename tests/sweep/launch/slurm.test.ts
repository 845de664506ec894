import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LauncherConfig, launcherSchema } from '../../../src/config/launcher.js';
import type { SweepDefinition } from '../../../src/sweep/directory.js';
import { LaunchFolder } from '../../../src/sweep/launch/folder.js';
import { launchSweep } from '../../../src/sweep/launch/launch.js';
import { limitSeconds, secondsOf } from '../../../src/sweep/launch/slurm.js';
import { sweepStates } from '../../../src/sweep/launch/states.js';
import { runSweep } from '../../../src/sweep/run.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { sweep } from '../helpers.js';
import { FakeSlurm } from './fake-slurm.js';

const settings = (given: Partial<LauncherConfig> = {}): LauncherConfig =>
  launcherSchema.parse({ kind: 'slurm', pack: 1, ...given });

async function submitted(
  fake: FakeSlurm,
  out: string,
  launcher: LauncherConfig,
  seeds = 5,
): Promise<{ definition: SweepDefinition; told: string[]; folder: LaunchFolder }> {
  const { definition } = await sweep({ seeds });
  const told: string[] = [];
  const options = { out, launcher, estimate: async () => undefined };
  await fake.during(() => launchSweep(definition, options, (sentence) => told.push(sentence)));
  return { definition, told, folder: new LaunchFolder(join(out, 'tiny')) };
}

test('one array of tasks, and a job behind it', async () => {
  const folder = temporaryFolder();
  const fake = new FakeSlurm(folder);
  const launcher = settings({
    pack: 2,
    throttle: 2,
    partition: 'gpu',
    gres: 'gpu:1',
    time: '1:00:00',
    setup: ['module load cuda'],
    options: ['--constraint=a100'],
  });
  const { folder: launched, told } = await submitted(fake, folder, launcher);
  const [submission] = launched.submissions();
  expect(submission?.tasks.map(({ length }) => length)).toEqual([2, 2, 1]);
  expect(submission?.arrays).toEqual([{ job: '101', first: 0, count: 3 }]);
  expect(submission?.last).toBe('102');
  expect(told.join(' ')).toContain('Array 101: 3 tasks.');
  const script = readFileSync(join(launched.folderOf(submission!.id), 'array-1.sbatch'), 'utf8');
  for (const option of [
    '--array=0-2%2',
    '--partition=gpu',
    '--gres=gpu:1',
    '--time=1:00:00',
    '--constraint=a100',
    '--requeue',
    '--open-mode=append',
    '--signal=B:USR2@120',
  ]) {
    expect(script).toContain(`#SBATCH ${option}\n`);
  }
  const lines = script.trimEnd().split('\n');
  expect(lines.at(-2)).toBe('module load cuda');
  expect(lines.at(-1)).toMatch(
    /^exec .* task .* --submission \S+ --task "\$\(\(0 \+ SLURM_ARRAY_TASK_ID\)\)"$/,
  );
  const sbatch = fake.calls.filter((call) => call.startsWith('sbatch'));
  expect(sbatch[0]).toContain('--test-only');
  expect(sbatch.at(-1)).toContain('--dependency=afterany:101');
});

test('more tasks than an array takes are several arrays, one behind the other where they are throttled', async () => {
  const scontrol = 'echo "MaxArraySize            = 3"';
  for (const [throttle, waits] of [
    [undefined, false],
    [1, true],
  ] as const) {
    const folder = temporaryFolder();
    const fake = new FakeSlurm(folder, { scontrol });
    const { folder: launched } = await submitted(fake, folder, settings({ throttle }), 7);
    const [submission] = launched.submissions();
    expect(submission?.arrays).toEqual([
      { job: '101', first: 0, count: 3 },
      { job: '102', first: 3, count: 3 },
      { job: '103', first: 6, count: 1 },
    ]);
    const script = readFileSync(join(launched.folderOf(submission!.id), 'array-2.sbatch'), 'utf8');
    expect(script).toContain('$((3 + SLURM_ARRAY_TASK_ID))');
    const second = fake.calls.find((call) => call.endsWith('array-2.sbatch'));
    expect(second?.includes('--dependency=afterany:101')).toBe(waits);
    expect(fake.calls.at(-1)).toContain('--dependency=afterany:101:102:103');
  }
});

test('what Slurm refuses is told before anything is in the queue', async () => {
  const folder = temporaryFolder();
  const refuse = 'echo "sbatch: error: invalid partition specified: gpus" >&2; exit 1';
  const fake = new FakeSlurm(folder, { sbatch: refuse });
  await expect(submitted(fake, folder, settings({ partition: 'gpus' }))).rejects.toThrow(
    'sbatch refused: sbatch: error: invalid partition specified: gpus.',
  );
  expect(fake.calls.filter((call) => call.startsWith('sbatch'))).toHaveLength(1);
  expect(new LaunchFolder(join(folder, 'tiny')).submissions()).toEqual([]);
});

test('without Slurm there is a sentence', async () => {
  const folder = temporaryFolder();
  const { definition } = await sweep({ seeds: 2 });
  const path = process.env.PATH;
  process.env.PATH = folder;
  try {
    const options = { out: folder, launcher: settings(), estimate: async () => undefined };
    await expect(launchSweep(definition, options, () => {})).rejects.toThrow(
      'There is no Slurm here: scontrol was not found.',
    );
  } finally {
    process.env.PATH = path;
  }
});

test('a trial that is finished or in the queue is not submitted again', async () => {
  const folder = temporaryFolder();
  const squeue = `[ -e ${folder}/calls ] && echo '101_1|PENDING|Priority'; echo '101_2|RUNNING|None'`;
  const fake = new FakeSlurm(folder, { squeue });
  const { definition } = await submitted(fake, folder, settings(), 4);
  // Task 0 has left the queue without a word; task 3 as well, and its trial is finished.
  await runSweep(definition, { out: folder, only: new Set([definition.trials[3]!.id]) });
  const { trials } = await fake.during(() => sweepStates(definition, join(folder, 'tiny')));
  expect(trials.map(({ state }) => state)).toEqual(['lost', 'waiting', 'waiting', 'done']);
  const options = { out: folder, launcher: settings(), estimate: async () => undefined };
  const again = await fake.during(() => launchSweep(definition, options, () => {}));
  expect(again.submission?.tasks).toEqual([[definition.trials[0]!.id]]);
});

test('where the queue cannot be asked, files still tell, and nothing is submitted', async () => {
  const folder = temporaryFolder();
  const fake = new FakeSlurm(folder, { squeue: 'echo "slurm_load_jobs error: down" >&2; exit 1' });
  const { definition } = await submitted(fake, folder, settings(), 2);
  const states = await fake.during(() => sweepStates(definition, join(folder, 'tiny')));
  expect(states.problem).toContain('slurm_load_jobs error: down');
  expect(states.trials.map(({ state }) => state)).toEqual(['lost', 'lost']);
  const options = { out: folder, launcher: settings(), estimate: async () => undefined };
  await expect(fake.during(() => launchSweep(definition, options, () => {}))).rejects.toThrow(
    'squeue refused',
  );
  expect(existsSync(join(folder, 'tiny', 'lock'))).toBe(false);
});

test('times as Slurm writes them', () => {
  expect(secondsOf('1-02:03:04')).toBe(93_784);
  expect(secondsOf('02:03:04')).toBe(7384);
  expect(secondsOf('3:04')).toBe(184);
  for (const none of ['UNLIMITED', 'INVALID', '', 'N/A']) expect(secondsOf(none)).toBeUndefined();
});

test('reads a time limit as sbatch does', () => {
  const seconds = { 90: 5400, '90:30': 5430, '4:00:00': 14_400, '1-12': 129_600 };
  for (const [time, expected] of Object.entries(seconds)) expect(limitSeconds(time)).toBe(expected);
  expect(limitSeconds('1-12:30')).toBe(131_400);
  expect(limitSeconds('1-12:30:15')).toBe(131_415);
  // No limit, or Slurm's to say.
  for (const none of ['0', 'UNLIMITED', 'soon', '', '4h', '1:2:3:4']) {
    expect(limitSeconds(none)).toBeUndefined();
  }
});

test('a time limit that the signal ahead of it takes whole is refused before anything is submitted', async () => {
  const folder = temporaryFolder();
  const fake = new FakeSlurm(folder);
  const refused = submitted(fake, folder, settings({ time: '2', ahead: 120 }));
  await expect(refused).rejects.toThrow(
    'launcher.time 2 is 120 seconds, and launcher.ahead takes 120 of them.',
  );
  const { definition } = await sweep({ seeds: 5 });
  const { trials } = await sweepStates(definition, join(folder, 'tiny'));
  expect(trials.every(({ state }) => state === 'not begun')).toBe(true);
});

test('what is not begun because enough have failed is not lost', async () => {
  const folder = temporaryFolder();
  const squeue = 'true';
  const fake = new FakeSlurm(folder, { squeue });
  const launcher = settings({ stopAfterFailures: 1 });
  const { definition, folder: launched } = await submitted(fake, folder, launcher, 3);
  const states = async () =>
    (await fake.during(() => sweepStates(definition, join(folder, 'tiny')))).trials.map(
      ({ state }) => state,
    );
  expect(await states()).toEqual(['lost', 'lost', 'lost']);
  const error = { kind: 'failed' as const, message: 'no', hint: undefined, bug: false };
  launched.noteFailure(definition.trials[0]!.id, { error, runDir: null });
  expect(await states()).toEqual(['failed', 'not begun', 'not begun']);
});
