import { join } from 'node:path';
import { Job } from 'kubernetes-models/batch/v1';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { launcherSchema } from '../../../src/config/launcher.js';
import { LaunchFolder } from '../../../src/sweep/launch/folder.js';
import { manifest } from '../../../src/sweep/launch/kubernetes.js';

interface Given {
  kubernetes?: object;
  [key: string]: unknown;
}

function job({ kubernetes = {}, ...given }: Given = {}, sweep = '/shared/results/Table_1.b') {
  const launcher = launcherSchema.parse({
    kind: 'kubernetes',
    ...given,
    kubernetes: { image: 'registry.example/rethink-gen:0.1', claim: 'results', ...kubernetes },
  });
  const tasks = [['a', 'b'], ['c'], ['d']];
  const submission = { id: '20261130T101500Z', launcher, tasks, arrays: [], last: null };
  const text = manifest(submission, new LaunchFolder(sweep));
  return parse(text) as ConstructorParameters<typeof Job>[0] & { spec: Record<string, unknown> };
}

describe('the manifest', () => {
  test('is a Job as batch/v1 has it', () => {
    const settings = [
      {},
      { throttle: 2, stopAfterFailures: 9, cpus: 4, mem: '16G', gres: 'gpu:a100:2' },
      {
        setup: ['. /etc/env.sh', 'ulimit -n 4096'],
        kubernetes: { queue: 'gpus', namespace: 'ml' },
      },
    ];
    for (const given of settings) expect(() => new Job(job(given)).validate()).not.toThrow();
    const wrong = { ...job(), spec: { ...job().spec, completions: 'three' } };
    expect(() => new Job(wrong as never).validate()).toThrow('completions');
  });

  test('has a pod a task, of which one that can never end well is not tried again', () => {
    const { spec } = job({ throttle: 2, requeues: 4, stopAfterFailures: 9 });
    expect(spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 2,
      backoffLimitPerIndex: 4,
      maxFailedIndexes: 3,
      podFailurePolicy: {
        rules: [
          { action: 'FailIndex', onExitCodes: { operator: 'In', values: [2, 3] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: { spec: { restartPolicy: 'Never' } },
    });
  });

  test('waits for Kueue where a queue is named', () => {
    const { metadata, spec } = job({ kubernetes: { queue: 'gpus', namespace: 'ml' } });
    expect(metadata).toMatchObject({
      namespace: 'ml',
      labels: { 'kueue.x-k8s.io/queue-name': 'gpus' },
    });
    expect(spec.suspend).toBe(true);
    expect(job().spec.suspend).toBeUndefined();
  });

  test('asks for as many GPUs as gres says', () => {
    const gpus = (gres: string) => JSON.stringify(job({ gres }).spec).match(/gpu":(\d+)/)?.[1];
    expect(['gpu', 'gpu:2', 'gpu:a100', 'gpu:a100:4'].map(gpus)).toEqual(['1', '2', '1', '4']);
    expect(() => job({ gres: 'tpu:1' })).toThrow('launcher.gres is no number of GPUs: tpu:1.');
  });

  test('runs the task of its index, whatever its folder is called', () => {
    const text = JSON.stringify(job({}, "/shared/results/it's mine").spec);
    expect(text).toContain(`exec rethink-gen task '/shared/results/it'\\\\''s mine' --submission`);
    expect(text).toContain('--task \\"$JOB_COMPLETION_INDEX\\"');
  });

  test('is named as a host may be, with room for what stands behind it', () => {
    const long = job({}, join('/shared', 'A'.repeat(80))).metadata?.name ?? '';
    for (const name of [job().metadata?.name ?? '', long]) {
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
      expect(name.length).toBeLessThan(53);
    }
  });

  test('says what is missing', () => {
    expect(() => job({ kubernetes: { image: undefined } })).toThrow('kubernetes.image is missing');
    expect(() => job({ kubernetes: { claim: undefined } })).toThrow('kubernetes.claim is missing');
    expect(() => job({ kubernetes: { mount: '/other' } })).toThrow('does not lie in');
    expect(() => job({ kubernetes: { mount: 'shared' } })).toThrow('does not lie in');
    expect(() => job({ kubernetes: { mount: '/shared' } })).not.toThrow();
  });
});
