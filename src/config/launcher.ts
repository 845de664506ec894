import { z } from 'zod';
import { count, flag, optional, text } from './values.js';

export const LAUNCHERS = ['local', 'slurm', 'kubernetes'] as const;

/** Signals that Slurm can send ahead of the time limit. Not SIGTERM, which is what `scancel` sends. */
const SIGNALS = ['USR1', 'USR2', 'HUP', 'XCPU'] as const;

const kubernetesSchema = z.strictObject({
  image: optional(text, 'Container image that has rethink-gen on its path.'),
  namespace: optional(text, 'Default: that of kubectl.'),
  claim: optional(text, 'PersistentVolumeClaim that holds the results, for all pods.'),
  mount: optional(
    text,
    'Folder that the claim is mounted at, here and in the pods; default: the root of the results.',
  ),
  queue: optional(text, 'Local queue of Kueue that admits the job.'),
  apply: flag(false, 'Hand it to kubectl; otherwise only the manifest is written.'),
});

/** Where the trials of a sweep are run. No part of a trial's identity: where something runs is not what it is. */
export const launcherSchema = z
  .strictObject({
    kind: z
      .enum(LAUNCHERS)
      .default('local')
      .describe('local: on this machine; slurm: as arrays of jobs; kubernetes: as an Indexed Job.'),
    partition: optional(text, 'Of Slurm.'),
    account: optional(text, 'Of Slurm.'),
    gres: optional(text, 'Of each task: gpu:1, gpu:a100:2. Kubernetes takes the number of GPUs.'),
    cpus: optional(count(4096), 'CPUs of each task.'),
    mem: optional(text, 'Memory of each task: 16G.'),
    time: optional(text, 'Time limit of each task as Slurm takes it: 4:00:00, 90 (minutes).'),
    throttle: optional(count(), 'At most this many tasks at once.'),
    pack: z
      .union([z.literal('auto'), count()])
      .default('auto')
      .describe(
        'Trials in a task, one after another; auto: as many as a quarter of an hour takes, by the speed of earlier runs here.',
      ),
    parallel: count(1024)
      .default(1)
      .describe('Trials at once within a task, each in a process of its own.'),
    setup: z
      .array(text)
      .default([])
      .describe('Lines of shell before each task: module load cuda, source env.sh.'),
    container: optional(
      text,
      'What a task runs in, before the command: apptainer exec --nv image.sif.',
    ),
    command: optional(
      text,
      'How rethink-gen is called there; default: this Node.js and this program.',
    ),
    options: z
      .array(text)
      .default([])
      .describe('Further options of sbatch: --constraint=a100, --exclude=node7.'),
    signal: z
      .enum(SIGNALS)
      .default('USR2')
      .describe(
        "What tells a task of its time limit. Not USR1 by default: NVIDIA's NCCL takes it.",
      ),
    ahead: count(86_400)
      .default(120)
      .describe(
        'Seconds between that signal and the limit; a task keeps more where starting and writing a checkpoint take longer.',
      ),
    requeues: z
      .int()
      .min(0)
      .max(10_000)
      .default(20)
      .describe('How often a task may queue itself again; never where it has made no progress.'),
    stopAfterFailures: optional(count(), 'Start no further trial after this many have failed.'),
    kubernetes: kubernetesSchema.prefault({}),
  })
  .describe('Where the trials run; it changes no number of theirs.');

export type LauncherConfig = z.output<typeof launcherSchema>;
export type LauncherKind = LauncherConfig['kind'];

/** What is launched where the config says nothing. */
export const LOCAL: LauncherConfig = launcherSchema.parse({});
