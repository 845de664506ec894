import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFolder, requireSpace, withTemporaryFolder } from '../../disk/folders.js';
import { withLock } from '../../disk/waiting-lock.js';
import { RethinkError } from '../../errors.js';
import { listGpus } from '../../machine/gpu.js';
import type { EngineContext } from '../install/context.js';
import { pipDownload } from '../install/pip.js';
import { checkWheel, extractWheel } from '../install/wheel.js';
import type { InstallTarget } from '../kind.js';
import { installDir, pluginIn, type XlaPlugin, type XlaVariant } from './plugin.js';
import {
  PLATFORM_TAGS,
  PYTHON_TAG,
  REQUIREMENTS,
  SHA256,
  SPACE_NEEDED,
  selectFile,
} from './wheels.js';

export interface XlaInstallOptions {
  variant: XlaVariant;
  /** A folder that holds the wheels; default: `RETHINK_GEN_WHEELS`, else PyPI. */
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
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new RethinkError(
      'failed',
      `The engine xla can't be installed: its plugins are for Linux x64, and this is ${process.platform} ${process.arch}.`,
      {
        hint: 'Name a plugin for this machine in RETHINK_GEN_PJRT_PLUGIN, or use the engine wasm.',
      },
    );
  }
  const dir = installDir(variant);
  const onWait = (who: string) => context.note?.(`Waiting for ${who} that is installing xla.`);
  return await withLock(`${dir}.lock`, { onWait, signal: context.signal }, async () => {
    const find = () => pluginIn(dir, variant, 'installed by rethink-gen');
    const existing = options.force ? undefined : await find();
    if (existing !== undefined) return existing;
    await installFresh(dir, options, context);
    const installed = await find();
    if (installed === undefined) throw new Error(`${dir} isn't whole after its installation`);
    return installed;
  });
}

async function installFresh(
  dir: string,
  { variant, from = process.env.RETHINK_GEN_WHEELS || undefined }: XlaInstallOptions,
  context: EngineContext,
): Promise<void> {
  const { onProgress, signal } = context;
  await withTemporaryFolder(dir, 'engine', async (staging) => {
    const downloads = join(staging, '.wheels');
    requireSpace(staging, SPACE_NEEDED[variant]);
    context.note?.(
      `Installing the XLA plugin (${variant}) into ${dir}, from ${from ?? 'PyPI'}; this happens once.`,
    );
    if (from === undefined) {
      await pipDownload({
        requirements: REQUIREMENTS[variant],
        into: downloads,
        python: PYTHON_TAG,
        platforms: PLATFORM_TAGS,
        onProgress,
        signal,
      });
    }
    for (const wheel of await wheelsIn(from ?? downloads, variant)) {
      await checkWheel(wheel, SHA256[basename(wheel)], signal);
      await extractWheel(wheel, { select: selectFile, into: staging, onProgress, signal });
    }
    await rm(downloads, { recursive: true, force: true });
    replaceFolder(staging, dir);
  });
}

/** One wheel for each requirement; of several versions the one that sorts last. */
async function wheelsIn(folder: string, variant: XlaVariant): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new RethinkError('usage', `The folder of wheels ${folder} can't be read.`, {
      hint: 'Give an existing folder with --from, or unset RETHINK_GEN_WHEELS.',
      cause,
    });
  });
  return REQUIREMENTS[variant].map((requirement) => {
    const project = requirement.split(/[=<>]/, 1)[0]!.replaceAll('-', '_');
    const found = names
      .filter((name) => name.startsWith(`${project}-`) && name.endsWith('x86_64.whl'))
      .sort()
      .at(-1);
    if (found !== undefined) return join(folder, found);
    throw new RethinkError(
      'failed',
      `There is no wheel of ${requirement} for Linux x86-64 in ${folder}.`,
      {
        hint: `Fetch it where there is a network: python3 -m pip download --no-deps --only-binary=:all: '${requirement}'`,
      },
    );
  });
}
