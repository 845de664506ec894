import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { LauncherConfig } from '../../config/launcher.js';
import { writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { type ProcessResult, runProcess } from '../../machine/process.js';
import { counted } from '../../text.js';
import type { LaunchFolder, Submission } from './folder.js';
import { type QueuedTask, quotedForShell, type Scheduler, type TaskState } from './types.js';

/** Largest index of an array where `scontrol` doesn't say it: Slurm's own default. */
const MAX_ARRAY_SIZE = 1001;

/** States of a task as `squeue` names them that mean it holds a node. */
const RUNNING = ['RUNNING', 'COMPLETING', 'STAGE_OUT', 'SIGNALING', 'STOPPED', 'SUSPENDED'];

/** Arrays of batch jobs. */
export const slurm: Scheduler = {
  async submit(submission, folder, told) {
    refuseShortLimit(submission.launcher);
    const largest = await maxArraySize();
    const { id, launcher, tasks } = submission;
    const parts = split(tasks.length, largest);
    const scripts = parts.map((part, i) => {
      const path = join(folder.folderOf(id), `array-${i + 1}.sbatch`);
      writeFileAtomic(path, arrayScript(submission, folder, part));
      chmodSync(path, 0o755);
      return path;
    });
    // A wrong partition is told before anything is in the queue.
    await sbatch(['--test-only', scripts[0]!]);
    for (const [i, part] of parts.entries()) {
      const before = submission.arrays.at(-1)?.job;
      // A throttle holds within an array alone: of several arrays, one waits for the other.
      const waits = launcher.throttle === undefined ? undefined : before;
      const job = await submitted([
        ...(waits === undefined ? [] : [`--dependency=afterany:${waits}`]),
        scripts[i]!,
      ]);
      submission.arrays.push({ job, ...part });
      folder.writeSubmission(submission);
      told(`Array ${job}: ${part.count === 1 ? '1 task' : `${part.count} tasks`}.`);
    }
    const path = join(folder.folderOf(id), 'last.sbatch');
    writeFileAtomic(path, lastScript(submission, folder));
    const all = submission.arrays.map(({ job }) => job).join(':');
    submission.last = await submitted([`--dependency=afterany:${all}`, path]);
    folder.writeSubmission(submission);
    told(`Job ${submission.last} writes the table and the report when they have ended.`);
  },

  async preview(submission, folder) {
    refuseShortLimit(submission.launcher);
    const largest = await maxArraySize().catch(() => MAX_ARRAY_SIZE);
    const parts = split(submission.tasks.length, largest);
    const script = arrayScript(submission, folder, parts[0]!);
    const more = parts.length === 1 ? '' : `# … and ${parts.length - 1} more arrays like it\n`;
    return {
      script: `${script}${more}`,
      async check(path) {
        const { stderr } = await sbatch(['--test-only', path]);
        return stderr.trim().replace(/^sbatch: /, '');
      },
    };
  },

  async queue(submissions) {
    const jobs = submissions.flatMap(({ arrays }) => arrays.map(({ job }) => job));
    const queued = new Map<string, QueuedTask>();
    if (jobs.length === 0) return queued;
    const rows = await squeue(jobs);
    for (const { id, tasks, arrays } of submissions) {
      for (const { job, first, count } of arrays) {
        for (let i = 0; i < count; i++) {
          const row = rows.get(`${job}_${i}`);
          if (row === undefined) continue;
          for (const trial of tasks[first + i]!)
            queued.set(trial, { ...row, submission: id, task: `${job}_${i}` });
        }
      }
    }
    return queued;
  },

  async cancel(submissions) {
    const jobs = submissions.flatMap(({ arrays, last }) => [
      ...arrays.map(({ job }) => job),
      ...(last === null ? [] : [last]),
    ]);
    if (jobs.length === 0) return [];
    // One that has ended already is none to complain of.
    await command('scancel', ['--quiet', ...jobs]);
    return jobs;
  },
};

/** Tasks in arrays of at most as many as Slurm takes. */
function split(tasks: number, largest: number): { first: number; count: number }[] {
  return Array.from({ length: Math.ceil(tasks / largest) }, (_, i) => ({
    first: i * largest,
    count: Math.min(largest, tasks - i * largest),
  }));
}

/** How many tasks an array may have: its largest index is one less than `MaxArraySize`. */
async function maxArraySize(): Promise<number> {
  const { stdout } = await command('scontrol', ['show', 'config']);
  const found = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(stdout)?.[1] ?? MAX_ARRAY_SIZE);
  if (found < 2) throw new RethinkError('failed', 'This cluster takes no arrays of jobs.');
  return found;
}

function arrayScript(
  submission: Submission,
  folder: LaunchFolder,
  { first, count }: { first: number; count: number },
): string {
  const { launcher, id } = submission;
  const { throttle, setup, container, signal, ahead } = launcher;
  const array = `0-${count - 1}${throttle === undefined ? '' : `%${throttle}`}`;
  const given: [string, string | number | undefined][] = [
    ['gres', launcher.gres],
    ['cpus-per-task', launcher.cpus],
    ['mem', launcher.mem],
    ['time', launcher.time],
  ];
  const call = [
    ...(container === undefined ? [] : [container]),
    taskCommand(launcher, folder),
    `--submission ${id}`,
    `--task "$((${first} + SLURM_ARRAY_TASK_ID))"`,
  ];
  return script(
    [
      ...common(submission, folder, 'task-%A_%a.log'),
      `--array=${array}`,
      // A task whose node died, and one that was preempted, comes again; what it writes goes behind what it wrote.
      '--requeue',
      '--open-mode=append',
      // To this script alone, whose place the task takes.
      `--signal=B:${signal}@${ahead}`,
      ...given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
      ...launcher.options,
    ],
    [...setup, `exec ${call.join(' ')}`],
  );
}

function lastScript(submission: Submission, folder: LaunchFolder): string {
  const { setup, container } = submission.launcher;
  const call = [
    ...(container === undefined ? [] : [container]),
    taskCommand(submission.launcher, folder),
    '--last',
  ];
  return script(
    [...common(submission, folder, 'last-%j.log'), '--mem=2G', '--time=60'],
    [...setup, `exec ${call.join(' ')}`],
  );
}

function common({ id, launcher }: Submission, folder: LaunchFolder, log: string): string[] {
  const { partition, account } = launcher;
  return [
    `--job-name=rg-${folder.name}`,
    `--output=${join(folder.folderOf(id), log)}`,
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
  ];
}

function script(options: readonly string[], lines: readonly string[]): string {
  return [
    '#!/bin/bash',
    ...options.map((option) => `#SBATCH ${optionQuoted(option)}`),
    'set -e',
    ...lines,
    '',
  ].join('\n');
}

/** In a line of #SBATCH only what has a space needs quotes. */
function optionQuoted(option: string): string {
  return /\s/.test(option) ? `"${option}"` : option;
}

function taskCommand({ command }: LauncherConfig, folder: LaunchFolder): string {
  const program =
    command ?? [process.execPath, process.argv[1]!].map((part) => quotedForShell(part)).join(' ');
  return `${program} task ${quotedForShell(folder.sweep)}`;
}

async function submitted(args: string[]): Promise<string> {
  const { stdout } = await sbatch(['--parsable', ...args]);
  // Behind a semicolon stands the name of the cluster.
  return stdout.trim().split(';')[0]!;
}

async function sbatch(args: string[]): Promise<ProcessResult> {
  return command('sbatch', args);
}

/** Tasks in the queue by `<array>_<index>`. */
async function squeue(jobs: readonly string[]): Promise<Map<string, TaskState>> {
  const args = ['--noheader', '--array', `--jobs=${jobs.join(',')}`, '--format=%i|%T|%r'];
  const result = await runProcess('squeue', args);
  // All of them have left the queue, some time ago.
  if (/invalid job id/i.test(result.stderr)) return new Map();
  const { stdout } = required('squeue', result);
  const rows = stdout.split('\n').flatMap((line): [string, TaskState][] => {
    const [id, state, reason] = line.trim().split('|');
    if (!id || !state) return [];
    const told = reason === undefined || reason === 'None' ? '' : reason;
    return [[id, { state: RUNNING.includes(state) ? 'running' : 'waiting', reason: told }]];
  });
  return new Map(rows);
}

/** What a task can ask its own cluster. */
export const ownTask = {
  /** Seconds until the time limit of this job; `undefined` where it has none, or nobody says. */
  async secondsLeft(env: NodeJS.ProcessEnv): Promise<number | undefined> {
    const job = env.SLURM_JOB_ID;
    if (job === undefined) return undefined;
    const { stdout } = await runProcess('squeue', ['--noheader', `--jobs=${job}`, '--format=%L']);
    return secondsOf(stdout.trim());
  },

  /** How often this task has been queued again. */
  restarts(env: NodeJS.ProcessEnv): number {
    return Number(env.SLURM_RESTART_COUNT ?? 0);
  },

  /** Puts this task back into the queue; Slurm then ends it. */
  async requeue(env: NodeJS.ProcessEnv): Promise<void> {
    const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: task, SLURM_JOB_ID: job } = env;
    await command('scontrol', ['requeue', array === undefined ? job! : `${array}_${task}`]);
  },
};

/** Tasks would end before they begin: told before anything is in the queue. */
function refuseShortLimit({ time, ahead }: LauncherConfig): void {
  const seconds = time === undefined ? undefined : limitSeconds(time);
  if (seconds === undefined || seconds > ahead) return;
  throw new RethinkError(
    'usage',
    `launcher.time ${time} is ${counted(seconds, 'second')}, and launcher.ahead takes ${ahead} of them.`,
    { hint: 'Give the tasks a longer launcher.time, or a shorter launcher.ahead.' },
  );
}

/**
 * A time limit as `sbatch` takes it: `90` (minutes), `90:30`, `4:00:00`, `1-12`, `1-12:30`, `1-12:30:00`.
 *
 * @returns Seconds; `undefined` for 0, UNLIMITED and what is no time: that is Slurm's to say.
 */
export function limitSeconds(time: string): number | undefined {
  const parts = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(time.trim());
  if (parts === null) return undefined;
  const [days, first, second, third] = parts
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const isHours = days !== undefined || third !== undefined;
  const [hours, minutes, seconds] = isHours ? [first, second, third] : [0, first, second];
  const all = (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  return all === 0 ? undefined : all;
}

/** A time as Slurm writes it: `3-04:05:06`, `04:05:06`, `05:06`; `undefined` for UNLIMITED and the like. */
export function secondsOf(time: string): number | undefined {
  const parts = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(time);
  if (parts === null) return undefined;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!;
}

async function command(name: string, args: string[]): Promise<ProcessResult> {
  return required(name, await runProcess(name, args));
}

function required(name: string, result: ProcessResult): ProcessResult {
  if (result.missing) {
    throw new RethinkError('failed', `There is no Slurm here: ${name} was not found.`, {
      hint: 'Run it on a machine that submits jobs, or without --launcher slurm.',
    });
  }
  if (result.code !== 0) {
    const said = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new RethinkError('failed', `${name} refused: ${said || `exit code ${result.code}`}.`, {
      hint: 'The keys of launcher say how jobs are submitted: partition, account, gres, mem, time, options.',
    });
  }
  return result;
}
