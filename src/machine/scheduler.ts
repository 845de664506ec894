import { z } from 'zod';
import { tolerate } from '../errors.js';
import { type ProcessResult, runProcess } from './process.js';

/** A job of a scheduler, as a process finds it in its environment: which one, and the how-manieth start of it. */
export const jobSchema = z.object({
  scheduler: z.enum(['slurm']),
  /** Ids of one cluster mean nothing on another; `null` where it has no name. */
  cluster: z.string().max(255).nullable(),
  /** As the scheduler's commands take it: `12`, of an array `12_3`. */
  id: z.string().regex(/^\d{1,20}(_\d{1,20})?$/),
  /** How often it was put into the queue again. */
  restart: z.int().min(0),
});
export type Job = z.output<typeof jobSchema>;

type Environment = Record<string, string | undefined>;

/** What is known of each scheduler. */
interface Scheduler {
  /** The job that a process is in. */
  jobOf(env: Environment): Job | null;
  /** Whether it says that a start of a job has ended; `false` where it runs, can't be asked, or doesn't know. */
  hasEnded(job: Job, env: Environment): Promise<boolean>;
}

const SCHEDULERS: Record<Job['scheduler'], Scheduler> = {
  slurm: { jobOf: slurmJob, hasEnded: hasSlurmJobEnded },
};

/** The job that this process is in; `null` outside of any. */
export function jobOf(env: Environment = process.env): Job | null {
  const jobs = Object.values(SCHEDULERS).map((scheduler) => scheduler.jobOf(env));
  return jobs.find((job) => job !== null) ?? null;
}

/** Whether this process is in a later start of the very job: the processes of the earlier one are gone. */
export function isLaterStart(job: Job, env: Environment = process.env): boolean {
  const own = jobOf(env);
  return own !== null && isSame(own, job) && own.restart > job.restart;
}

/**
 * Whether the processes of a job's start are gone: a later start of it is asking, or its scheduler, which is asked, says so.
 * `false` where nobody can say.
 */
export async function hasJobEnded(job: Job, env: Environment = process.env): Promise<boolean> {
  const own = jobOf(env);
  if (own !== null && isSame(own, job)) return own.restart > job.restart;
  return SCHEDULERS[job.scheduler].hasEnded(job, env);
}

function isSame(a: Job, b: Job): boolean {
  return a.scheduler === b.scheduler && a.cluster === b.cluster && a.id === b.id;
}

function slurmJob(env: Environment): Job | null {
  const { SLURM_JOB_ID, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = env;
  const id =
    SLURM_ARRAY_JOB_ID && SLURM_ARRAY_TASK_ID
      ? `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`
      : SLURM_JOB_ID;
  const job = jobSchema.safeParse({
    scheduler: 'slurm',
    cluster: env.SLURM_CLUSTER_NAME || null,
    id,
    restart: Number(env.SLURM_RESTART_COUNT ?? 0),
  });
  // What isn't of Slurm's own making is nobody's job.
  return job.success ? job.data : null;
}

/** States in which processes of a job may be alive (squeue(1), JOB STATE CODES). */
const ALIVE = [
  'RUNNING',
  'COMPLETING',
  'SUSPENDED',
  'STOPPED',
  'SIGNALING',
  'STAGE_OUT',
  'CONFIGURING',
  'RESIZING',
];

/** Slurm's commands wait for minutes where its controller is away. */
const LONGEST_ANSWER_MS = 10_000;

async function hasSlurmJobEnded(job: Job, env: Environment): Promise<boolean> {
  // An id of another cluster is unknown here, which looks like a job that ended long ago.
  if (job.cluster === null || job.cluster !== (await slurmCluster(env))) return false;
  const { code, stdout, stderr } = await ask('squeue', [
    '--noheader',
    '--states=all',
    `--jobs=${job.id}`,
    '--Format=State:30,RestartCnt:10',
  ]);
  // It forgets jobs some minutes after their end.
  if (code !== 0) return stderr.includes('Invalid job id');
  const [state, restarts] = stdout.trim().split(/\s+/);
  if (state === undefined || state === '') return false;
  return !ALIVE.includes(state) || Number(restarts) > job.restart;
}

async function slurmCluster(env: Environment): Promise<string | undefined> {
  if (env.SLURM_CLUSTER_NAME) return env.SLURM_CLUSTER_NAME;
  const { stdout } = await ask('scontrol', ['show', 'config']);
  return /^ClusterName\s*=\s*(\S+)/m.exec(stdout)?.[1];
}

function ask(command: string, args: string[]): Promise<ProcessResult> {
  const silent = { code: null, stdout: '', stderr: '', missing: false };
  return runProcess(command, args, { signal: AbortSignal.timeout(LONGEST_ANSWER_MS) }).catch(
    tolerate(() => silent),
  );
}
