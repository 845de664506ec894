import { execFile } from 'node:child_process';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageVersion, version } from '../version.js';
import { listGpus } from './gpu.js';
import { hostName } from './host.js';
import { processMemory, processThreads } from './machine.js';

/**
 * The conditions of a run's numbers, all but its engine: with that, `environment.json`. No environment variables: they
 * hold people's secrets.
 */
export interface Environment {
  rethink_gen: {
    version: string;
    /** Where it runs from a git checkout; `null` in a published package. */
    git: { commit: string; dirty: boolean } | null;
  };
  /** Words after `node`. */
  command_line: string[];
  started: string;
  node: string;
  packages: Record<string, string>;
  os: string;
  host: string;
  cpu: { model: string; cores: number };
  memory_bytes: number;
  /** What of the machine this process could use: a container or a batch job may have less. */
  available: { threads: number; memory_bytes: number };
  gpus: { name: string; memory_mib: number; driver: string }[];
}

const PACKAGES = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-node-gpu',
  'sharp',
  '@napi-rs/image',
  'koffi',
];

export async function describeEnvironment(): Promise<Environment> {
  const cores = cpus();
  const gpus = await listGpus();
  ownState ??= gitState();
  return {
    rethink_gen: { version, git: await ownState },
    command_line: process.argv.slice(1),
    started: new Date().toISOString(),
    node: process.versions.node,
    packages: packageVersions(),
    os: `${platform()} ${release()} ${arch()}`,
    host: hostName(),
    cpu: { model: cores[0]?.model ?? 'unknown', cores: cores.length },
    memory_bytes: totalmem(),
    available: { threads: processThreads(), memory_bytes: processMemory().total },
    gpus: gpus.map(({ name, memory, driver }) => ({ name, memory_mib: memory, driver })),
  };
}

const run = promisify(execFile);

/** Asked once: what this process runs is what it has loaded, and a sweep of short runs would wait for git each time. */
let ownState: ReturnType<typeof gitState> | undefined;

/** Commit of the checkout that this code runs from, and whether tracked files differ from it. */
async function gitState(): Promise<Environment['rethink_gen']['git']> {
  const cwd = dirname(fileURLToPath(import.meta.url));
  const git = async (...args: string[]) =>
    (await run('git', args, { cwd, timeout: 5000 })).stdout.trim();
  try {
    // A package installed into somebody's own repository is not that repository's code.
    if ((await git('ls-files', '--error-unmatch', '../../package.json')) === '') return null;
    const commit = await git('rev-parse', 'HEAD');
    return { commit, dirty: (await git('status', '--porcelain', '-uno')) !== '' };
  } catch {
    return null;
  }
}

function packageVersions(): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const name of PACKAGES) {
    try {
      versions[name] = packageVersion(name);
    } catch {
      // Not every package lets its manifest be read; the lock file has its version all the same.
    }
  }
  return versions;
}
