import { availableParallelism, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { selectFile } from '../../src/engines/tensorflow/wheels.js';
import { cacheRoot } from '../../src/machine/cache-folder.js';
import { cpuFeatures, processMemory, processThreads } from '../../src/machine/machine.js';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

describe('the machine', () => {
  it('knows a processor by its flags', () => {
    const info = 'processor : 0\nflags\t\t: fpu avx2 avx512f amx_bf16\n\nprocessor : 1\n';
    expect(cpuFeatures(info)).toEqual(['AVX2', 'AVX-512', 'AMX bf16']);
    expect(cpuFeatures('')).toEqual([]);
  });
});

/** A root with the files by which Linux says what a process may use. */
function fakeRoot(files: Record<string, string>): string {
  const root = temporaryFolder();
  for (const [path, content] of Object.entries(files)) write(join(root, path), content);
  return root;
}

const GiB = 2 ** 30;
// Less than any machine has that runs these tests.
const LIMIT = GiB / 4;

describe('what a process may use', () => {
  it.each<[string, Record<string, string>]>([
    [
      'its container, version 2',
      { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': `${LIMIT}\n` },
    ],
    [
      'a group around its own, as of a batch job',
      {
        'proc/self/cgroup': '0::/slurm/job_7/step_0/task_0\n',
        'sys/fs/cgroup/slurm/job_7/memory.max': `${LIMIT}\n`,
        'sys/fs/cgroup/slurm/job_7/step_0/memory.max': `${2 * LIMIT}\n`,
        'sys/fs/cgroup/slurm/job_7/step_0/task_0/memory.max': 'max\n',
      },
    ],
    [
      'where it is slowed down',
      {
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': 'max\n',
        'sys/fs/cgroup/memory.high': `${LIMIT}\n`,
      },
    ],
    [
      'its container, version 1, whose path is the host’s',
      {
        'proc/self/cgroup': '4:memory:/docker/0123\n2:cpu,cpuacct:/docker/0123\n0::/\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': `${LIMIT}\n`,
      },
    ],
    [
      'ulimit -v',
      {
        'proc/self/limits': `Limit  Soft Limit  Hard Limit  Units\nMax address space  ${LIMIT}  unlimited  bytes\n`,
      },
    ],
  ])('of memory: what allows least, here %s', (_, files) => {
    expect(processMemory(fakeRoot(files)).total).toBe(LIMIT);
  });

  it('of memory: also what Node alone knows of', () => {
    const known = vi.spyOn(process, 'constrainedMemory').mockReturnValue(LIMIT);
    expect(processMemory(fakeRoot({})).total).toBe(LIMIT);
    // None, and a limit that is none.
    for (const none of [0, 2 ** 63]) {
      known.mockReturnValue(none);
      expect(processMemory(fakeRoot({})).total).toBe(totalmem());
    }
    known.mockRestore();
  });

  it.each<[string, Record<string, string>]>([
    ['no such files', {}],
    [
      'no limit, version 2',
      {
        'proc/self/cgroup': '0::/a\n',
        'sys/fs/cgroup/a/memory.max': 'max\n',
        'sys/fs/cgroup/a/cpu.max': 'max 100000\n',
      },
    ],
    [
      'no limit, version 1',
      {
        'proc/self/cgroup': '4:memory:/\n2:cpu,cpuacct:/\n',
        'proc/self/limits': 'Max address space  unlimited  unlimited  bytes\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
    ],
  ])('is all of the machine where there is %s', (_, files) => {
    const root = fakeRoot(files);
    const { total, free } = processMemory(root);
    expect(total).toBe(totalmem());
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThanOrEqual(total);
    expect(processThreads(root)).toBe(availableParallelism());
  });

  it.each<[string, Record<string, string>]>([
    ['2', { 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/cpu.max': '50000 100000\n' }],
    [
      '1',
      {
        'proc/self/cgroup': '2:cpu,cpuacct:/docker/0123\n',
        'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
        'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
    ],
  ])('of processors: half of one is one thread, with version %s', (_, files) => {
    expect(processThreads(fakeRoot(files))).toBe(1);
  });
});

describe('the cache folder', () => {
  it.each([
    ['/else/where', '/else/where/rethink-gen'],
    ['relative', join(homedir(), '.cache/rethink-gen')],
    ['', join(homedir(), '.cache/rethink-gen')],
  ])('for XDG_CACHE_HOME=%j is %s', (home, expected) => {
    vi.stubEnv('XDG_CACHE_HOME', home);
    expect(cacheRoot()).toBe(expected);
  });
});

describe('files taken from wheels', () => {
  it.each([
    ['tensorflow/libtensorflow_cc.so.2', 'libtensorflow_cc.so.2'],
    ['tensorflow/include/xla/tsl/c/tsl_status.h', 'include/xla/tsl/c/tsl_status.h'],
    ['nvidia/cudnn/lib/libcudnn.so.9', 'nvidia/cudnn/lib/libcudnn.so.9'],
    ['nvidia/cuda_nvcc/bin/ptxas', 'nvidia/cuda_nvcc/bin/ptxas'],
    [
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
    ],
    ['tensorflow/python/lib_pywrap_tensorflow_common.so', undefined],
    ['nvidia/cudnn/include/cudnn.h', undefined],
    ['nvidia/../lib/libevil.so', undefined],
    ['tensorflow/include/tensorflow/core/platform/env.h', undefined],
  ])('%s goes to %s', (entry, path) => {
    expect(selectFile(entry)).toBe(path);
  });
});
