import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openLibrary } from './library.js';

export interface NvidiaLibrary {
  name: string;
  path: string;
  /** Whether it lies where nobody looks by themselves, and so has to be opened before it is asked for. */
  foreign: boolean;
}

/**
 * Finds NVIDIA's libraries: beside what needs them, where the loader looks, or where pip laid them for another package.
 *
 * @param names as they are asked for: `libcudnn.so.9`
 * @param own the folder of Python packages that what needs them was unpacked to, which looks there by itself
 * @param others such folders of other packages, the best first
 */
export function findNvidia(
  names: readonly string[],
  own: string | undefined,
  others: readonly string[],
): NvidiaLibrary[] {
  const near = [...(own === undefined ? [] : libraryFolders(own)), ...systemFolders()];
  const far = others.flatMap(libraryFolders);
  return names.flatMap((name) => {
    const folder = [...near, ...far].find((folder) => existsSync(join(folder, name)));
    if (folder === undefined) return [];
    return [{ name, path: join(folder, name), foreign: !near.includes(folder) }];
  });
}

/** Folders of libraries below one of Python packages: `nvidia/cu13/lib`, `nvidia/cudnn/lib` … */
function libraryFolders(packages: string): string[] {
  const nvidia = join(packages, 'nvidia');
  return existsSync(nvidia) ? readdirSync(nvidia).map((name) => join(nvidia, name, 'lib')) : [];
}

/** Where the loader looks by itself. */
function systemFolders(): string[] {
  const named = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
  const triple = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return [...named, `/usr/lib/${triple}`, '/usr/lib64'];
}

/**
 * Opens a library by absolute path for all that is loaded later: what asks for it by bare name is then handed the one
 * that is in the process already, without an LD_LIBRARY_PATH.
 */
export function openForAll(path: string): void {
  openLibrary(path, { global: true, lazy: true });
}

/** What tells one version of a library from another: where it really lies, its size and its time. */
export function fileIdentity(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${realpathSync(path)}:${size}:${mtimeMs}`;
}

/**
 * XLA_FLAGS with the folder of ptxas and libdevice among them. One that a person named there stays.
 *
 * @param flags as they are: flags, or the name of a file that holds them
 */
export function withCudaDir(flags: string | undefined, folder: string): string {
  const given = flagsOf(flags);
  // Of a file that isn't there XLA says so itself.
  if (flags !== undefined && (given === undefined || namesCudaDir(flags))) return flags;
  return `${given ?? ''} --xla_gpu_cuda_data_dir=${folder}`.trim();
}

/** Whether XLA_FLAGS name the folder of ptxas. */
export function namesCudaDir(flags: string | undefined): boolean {
  return /--xla_gpu_cuda_data_dir\b/.test(flagsOf(flags) ?? '');
}

function flagsOf(flags = ''): string | undefined {
  if (flags.trim() === '' || flags.trim().startsWith('-')) return flags.trim();
  try {
    return readFileSync(flags, 'utf8').trim().replaceAll('\n', ' ');
  } catch {
    return undefined;
  }
}
