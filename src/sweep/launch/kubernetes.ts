import { isAbsolute, join, relative } from 'node:path';
import { stringify } from 'yaml';
import type { LauncherConfig } from '../../config/launcher.js';
import { writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { runProcess } from '../../machine/process.js';
import type { LaunchFolder, Submission } from './folder.js';
import { type QueuedTask, quotedForShell, type Scheduler } from './types.js';

/** An Indexed Job, one pod a task. */
export const kubernetes: Scheduler = {
  async submit(submission, folder, told) {
    const path = join(folder.folderOf(submission.id), 'job.yaml');
    writeFileAtomic(path, manifest(submission, folder));
    if (!submission.launcher.kubernetes.apply) {
      told(`Written: ${path}. Hand it over with: kubectl apply -f ${quotedForShell(path)}`);
      return;
    }
    await kubectl(submission, ['apply', '-f', path]);
    const job = jobName(submission, folder);
    submission.arrays.push({ job, first: 0, count: submission.tasks.length });
    folder.writeSubmission(submission);
    told(`Job ${job} of ${submission.tasks.length} pods.`);
  },

  async preview(submission, folder) {
    return { script: manifest(submission, folder), check: null };
  },

  async queue(submissions) {
    const queued = new Map<string, QueuedTask>();
    for (const submission of submissions) {
      for (const { job } of submission.arrays) {
        const found = await unfinishedIndexes(submission, job);
        for (const [i, state] of found) {
          for (const trial of submission.tasks[i]!)
            queued.set(trial, {
              state,
              reason: '',
              submission: submission.id,
              task: `${job}-${i}`,
            });
        }
      }
    }
    return queued;
  },

  async cancel(submissions) {
    const jobs: string[] = [];
    for (const submission of submissions) {
      for (const { job } of submission.arrays) {
        await kubectl(submission, ['delete', 'job', job, '--ignore-not-found', '--wait=false']);
        jobs.push(job);
      }
    }
    return jobs;
  },
};

/** Exit codes that a second try would not change: usage or config, and data missing or damaged. */
const FINAL_EXIT_CODES = [2, 3];

/** The manifest of a Job of `batch/v1`, as YAML. */
export function manifest(submission: Submission, folder: LaunchFolder): string {
  const { launcher, tasks, id } = submission;
  const { image, namespace, claim, queue } = launcher.kubernetes;
  if (image === undefined || claim === undefined) {
    const lacking = image === undefined ? 'image' : 'claim';
    throw new RethinkError('usage', `launcher.kubernetes.${lacking} is missing.`, {
      hint: 'A pod needs an image that has rethink-gen, and a claim whose volume all pods share for the results.',
    });
  }
  const call = `${launcher.command ?? 'rethink-gen'} task ${quotedForShell(folder.sweep)} --submission ${id} --task "$JOB_COMPLETION_INDEX"`;
  const failures = launcher.stopAfterFailures;
  return stringify(
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name: jobName(submission, folder),
        ...(namespace === undefined ? {} : { namespace }),
        labels: {
          'app.kubernetes.io/name': 'rethink-gen',
          ...(queue === undefined ? {} : { 'kueue.x-k8s.io/queue-name': queue }),
        },
      },
      spec: {
        completionMode: 'Indexed',
        completions: tasks.length,
        parallelism: Math.min(launcher.throttle ?? tasks.length, tasks.length),
        backoffLimitPerIndex: launcher.requeues,
        ...(failures === undefined ? {} : { maxFailedIndexes: Math.min(failures, tasks.length) }),
        // Kueue lets it begin.
        ...(queue === undefined ? {} : { suspend: true }),
        podFailurePolicy: {
          rules: [
            {
              action: 'FailIndex',
              onExitCodes: { operator: 'In', values: FINAL_EXIT_CODES },
            },
            // A pod that was driven away has not failed.
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          ],
        },
        template: {
          metadata: { labels: { 'app.kubernetes.io/name': 'rethink-gen' } },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: launcher.ahead,
            containers: [
              {
                name: 'trials',
                image,
                command: ['/bin/sh', '-c', [...launcher.setup, `exec ${call}`].join('\n')],
                ...resources(launcher),
                volumeMounts: [{ name: 'results', mountPath: mountOf(submission, folder) }],
              },
            ],
            volumes: [{ name: 'results', persistentVolumeClaim: { claimName: claim } }],
          },
        },
      },
    },
    { lineWidth: 0 },
  );
}

function mountOf({ launcher }: Submission, folder: LaunchFolder): string {
  const root = join(folder.sweep, '..');
  const mount = launcher.kubernetes.mount ?? root;
  const below = relative(mount, folder.sweep);
  if (isAbsolute(mount) && !below.startsWith('..') && !isAbsolute(below)) return mount;
  throw new RethinkError('usage', `${folder.sweep} does not lie in launcher.kubernetes.mount.`, {
    hint: `It is ${JSON.stringify(mount)}: an absolute folder that holds the results, here as in the pods (--out).`,
  });
}

function resources({ cpus, mem, gres }: LauncherConfig): object {
  const gpus = gres === undefined ? undefined : gpuCount(gres);
  const limits = {
    ...(cpus === undefined ? {} : { cpu: cpus }),
    ...(mem === undefined ? {} : { memory: mem }),
    ...(gpus === undefined ? {} : { 'nvidia.com/gpu': gpus }),
  };
  return Object.keys(limits).length === 0 ? {} : { resources: { limits } };
}

/** Of `gpu`, `gpu:2`, `gpu:a100:2`. */
function gpuCount(gres: string): number {
  const found = /^gpu(?::[^:,]+)??(?::(\d+))?$/.exec(gres);
  if (found !== null) return Number(found[1] ?? 1);
  throw new RethinkError('usage', `launcher.gres is no number of GPUs: ${gres}.`, {
    hint: 'For example gpu:1.',
  });
}

/** A DNS label with room for what Kubernetes puts behind it for each pod. */
function jobName({ id }: Submission, folder: LaunchFolder): string {
  const name = folder.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `rg-${name.slice(0, 30)}-${id.toLowerCase().replace(/[^a-z0-9]/g, '')}`.replace(
    /-+/g,
    '-',
  );
}

/** Indexes of a job that have not ended; none where the job is gone. */
async function unfinishedIndexes(
  submission: Submission,
  job: string,
): Promise<[number, QueuedTask['state']][]> {
  const output = 'jsonpath={.status.completedIndexes}|{.status.failedIndexes}|{.status.active}';
  const { stdout } = await kubectl(submission, [
    'get',
    'job',
    job,
    '--ignore-not-found',
    '-o',
    output,
  ]);
  if (stdout.trim() === '') return [];
  const [completed = '', failed = '', active = '0'] = stdout.trim().split('|');
  const ended = new Set([...indexes(completed), ...indexes(failed)]);
  const left = submission.tasks.map((_, i) => i).filter((i) => !ended.has(i));
  // Kubernetes says how many are active, in order; the run files say which they are.
  return left.map((i, k) => [i, k < Number(active || 0) ? 'running' : 'waiting']);
}

/** Of `0-3,7`. */
function indexes(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const found = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (found === null) return [];
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

async function kubectl({ launcher }: Submission, args: string[]): Promise<{ stdout: string }> {
  const { namespace } = launcher.kubernetes;
  const result = await runProcess('kubectl', [
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...args,
  ]);
  if (result.missing) {
    throw new RethinkError('failed', 'kubectl was not found.', {
      hint: 'Without launcher.kubernetes.apply only the manifest is written.',
    });
  }
  if (result.code !== 0) {
    const said = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new RethinkError('failed', `kubectl ${args[0]}: ${said || `exit code ${result.code}`}.`);
  }
  return result;
}
