import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFolder, withTemporaryFolder } from '../../disk/folders.js';
import { withLock } from '../../disk/waiting-lock.js';
import { RethinkError } from '../../errors.js';
import { type Gpu, listGpus } from '../../machine/gpu.js';
import type { EngineContext } from '../install/context.js';
import { findSource, installWheels } from '../install/install-wheels.js';
import { wheelProblem } from '../install/platform.js';
import type { InstallRequirements, InstallTarget } from '../kind.js';
import { PLATFORMS } from './platforms.js';
import {
  damagedFile,
  givenDir,
  installDir,
  installedPlugin,
  pluginAt,
  type XlaPlugin,
} from './plugin.js';
import { selectFile, XLA_VARIANTS, type XlaVariant } from './wheels.js';

export interface XlaInstallOptions {
  variant: XlaVariant;
  /** A folder that holds the wheels; default: `RETHINK_GEN_WHEELS`, else the package index of pip. */
  from?: string | undefined;
  /** Install again what is there already. */
  force?: boolean | undefined;
}

/** Oldest NVIDIA driver that runs CUDA 13. */
const CUDA13_DRIVER = 580;

/** The variant that suits an NVIDIA driver (its version, or none). */
export function variantFor(driver: string | undefined): XlaVariant {
  if (driver === undefined) return 'cpu';
  return Number.parseInt(driver, 10) >= CUDA13_DRIVER ? 'cuda13' : 'cuda12';
}

/** The variant that was asked for; without that, or for any CUDA, the one that suits this machine. */
export async function variantOf(target: InstallTarget | undefined): Promise<XlaVariant> {
  if (target !== undefined && target !== 'cuda') return target;
  const suited = variantFor((await listGpus())[0]?.driver);
  // Asked for CUDA where no GPU is seen (a login node): CUDA 12 runs on older and newer drivers.
  return target === 'cuda' && suited === 'cpu' ? 'cuda12' : suited;
}

/**
 * Makes sure a PJRT plugin with its NVIDIA libraries is in the cache folder. One process installs, others wait; the
 * folder appears whole or not at all; what an interrupted installation left is removed by the next.
 */
export async function installXla(
  options: XlaInstallOptions,
  context: EngineContext,
): Promise<XlaPlugin> {
  const { variant } = options;
  const problem = wheelProblem("XLA's plugins");
  if (problem !== undefined) {
    throw new RethinkError('failed', `The engine xla can't be installed: ${problem}.`, {
      hint: 'Name a plugin for this machine in RETHINK_GEN_PJRT_PLUGIN, or use the engine wasm.',
    });
  }
  const dir = installDir(variant);
  const onWait = (who: string) => context.note?.(`Waiting for ${who} that is installing xla.`);
  return await withLock(`${dir}.installing`, { onWait, signal: context.signal }, async () => {
    const existing = options.force ? undefined : await installedPlugin(variant);
    if (existing !== undefined) return existing;
    await installFresh(dir, options, context);
    const installed = await installedPlugin(variant);
    if (installed === undefined) throw new Error(`${dir} isn't whole after its installation`);
    return installed;
  });
}

/**
 * Has runs use a plugin that is there already, by a link in the cache folder, instead of one that is fetched.
 *
 * @returns Its path.
 * @throws RethinkError where there is none, or it is no PJRT plugin.
 */
export async function usePlugin(path: string, context: EngineContext): Promise<string> {
  const plugin = await pluginAt(path, '--plugin');
  const { PjrtApi } = await import('./pjrt/api.js');
  PjrtApi.load(plugin.path);
  await withTemporaryFolder(givenDir(), 'engine', async (staging) => {
    await symlink(plugin.path, join(staging, basename(plugin.path)));
    replaceFolder(staging, givenDir());
  });
  const experimental = PLATFORMS[plugin.platform].experimental ? 'EXPERIMENTAL, unproved: ' : '';
  context.note?.(
    `${experimental}the engine xla uses ${plugin.path} until ${givenDir()} is deleted.`,
  );
  return plugin.path;
}

async function installFresh(
  dir: string,
  { variant, from }: XlaInstallOptions,
  context: EngineContext,
): Promise<void> {
  const damaged = await damagedFile(variant);
  if (damaged !== undefined) context.note?.(`${join(dir, damaged)} is damaged.`);
  await installWheels(
    {
      what: `the XLA plugin (${variant})`,
      dir,
      projects: XLA_VARIANTS[variant].projects,
      select: selectFile,
      space: XLA_VARIANTS[variant].space,
      versions: { xla: variant },
      from,
    },
    context,
  );
}

/** What fetching the plugin for the GPU takes; nothing where there is none, as nothing then needs it. */
export function requirements(gpus: readonly Gpu[]): InstallRequirements | undefined {
  if (gpus.length === 0 || wheelProblem('') !== undefined) return undefined;
  const variant = variantFor(gpus[0]?.driver);
  return {
    space: XLA_VARIANTS[variant].space,
    source: (signal) => findSource(XLA_VARIANTS[variant].projects, signal),
    tools: [],
  };
}
