import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, hostname, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineInfo } from '../engines/types.js';

/** `environment.json`: the conditions of a run's numbers. No environment variables: they hold secrets. */
export interface Environment {
  rethink_gen: { version: string; commit: string | null; dirty: boolean | null };
  command: string[];
  started: string;
  node: string;
  os: { platform: string; release: string; arch: string };
  host: string;
  cpu: { model: string; cores: number };
  memory_bytes: { machine: number; limit: number | null };
  gpus: { names: string[]; driver: string } | null;
  engine: EngineInfo;
  packages: Record<string, string>;
}

const PACKAGES = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-node-gpu',
  '@tensorflow/tfjs-backend-wasm',
];
const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Describes this machine and this program. Never throws: what can't be found out is `null`. */
export function describeEnvironment(engine: EngineInfo): Environment {
  return {
    rethink_gen: { version: packageVersion(), ...gitState(PACKAGE_ROOT) },
    command: process.argv,
    started: new Date().toISOString(),
    node: process.version,
    os: { platform: platform(), release: release(), arch: arch() },
    host: hostname(),
    cpu: { model: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism() },
    memory_bytes: { machine: totalmem(), limit: memoryLimit() },
    gpus: nvidiaGpus('/proc/driver/nvidia'),
    engine,
    packages: packageVersions(),
  };
}

/** Version of rethink-gen. */
export function packageVersion(): string {
  return versionIn(join(PACKAGE_ROOT, 'package.json')) ?? 'unknown';
}

/** Commit of a checkout, and whether its tracked files were changed since; `null` outside a checkout. */
export function gitState(root: string): { commit: string | null; dirty: boolean | null } {
  // Git would look in the folders above, too: an installed package is not a part of the user's own repository.
  if (!existsSync(join(root, '.git'))) return { commit: null, dirty: null };
  const commit = git(root, ['rev-parse', 'HEAD']);
  const changes = git(root, ['status', '--porcelain', '--untracked-files=no']);
  return { commit, dirty: changes === null ? null : changes !== '' };
}

function git(root: string, args: string[]): string | null {
  try {
    // A repository can name programs to run for its own queries: not for ours.
    const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath='];
    return execFileSync('git', [...safe, ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    }).trim();
  } catch {
    return null;
  }
}

/** What the NVIDIA kernel module says of itself under `folder` (Linux); `null` where there is none. */
export function nvidiaGpus(folder: string): { names: string[]; driver: string } | null {
  try {
    const version = readFileSync(join(folder, 'version'), 'utf8');
    const names = readdirSync(join(folder, 'gpus'))
      .sort()
      .map((bus) => readFileSync(join(folder, 'gpus', bus, 'information'), 'utf8'))
      .map((text) => /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? 'unknown');
    return { names, driver: /\b(\d+\.\d+(\.\d+)?)\b/.exec(version)?.[1] ?? 'unknown' };
  } catch {
    return null;
  }
}

/** Bytes that a container or batch system allows this process; `null` where there is no limit. */
function memoryLimit(): number | null {
  const limit = process.constrainedMemory();
  // Without a limit, Linux gives a number larger than any machine.
  return limit > 0 && limit < totalmem() ? limit : null;
}

function packageVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versions: Record<string, string> = {};
  for (const name of PACKAGES) {
    try {
      const version = versionIn(require.resolve(`${name}/package.json`));
      if (version !== null) versions[name] = version;
    } catch {
      // Not installed here.
    }
  }
  return versions;
}

function versionIn(path: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}
