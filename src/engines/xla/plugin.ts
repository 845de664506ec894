import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import { engineDir } from '../../machine/cache-folder.js';
import type { Gpu } from '../../machine/gpu.js';
import { runProcess } from '../../machine/process.js';
import { inspectInstalled } from '../install/manifest.js';
import type { VariantStatus } from '../kind.js';
import { OLDER_DIGESTS, VARIANTS, type XlaVariant } from './wheels.js';

/** Names a plugin's file: the environment variable that overrides all looking. */
export const PLUGIN_VARIABLE = 'RETHINK_GEN_PJRT_PLUGIN';

/** A PJRT plugin on this machine. */
export interface XlaPlugin {
  /** Absolute path of the shared library. */
  path: string;
  platform: 'cuda' | 'cpu';
  /** Where it was found, for people: `RETHINK_GEN_PJRT_PLUGIN`, `installed by rethink-gen`, `JAX in /…`. */
  source: string;
  /** CUDA tools (bin/ptxas, nvvm/libdevice) that came with it. */
  cudaDir?: string | undefined;
}

/** Path of a plugin below the folder its wheel was unpacked to. */
export const PLUGIN_FILES: Record<XlaVariant, string> = {
  cuda13: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
  cuda12: 'jax_plugins/xla_cuda12/xla_cuda_plugin.so',
  cpu: 'xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so',
};

/** Where the NVIDIA wheels put ptxas and libdevice. */
const CUDA_TOOLS: Record<XlaVariant, string | undefined> = {
  cuda13: 'nvidia/cu13',
  cuda12: 'nvidia/cuda_nvcc',
  cpu: undefined,
};

/** Folder that `engine install xla --<variant>` fills. */
export function installDir(variant: XlaVariant): string {
  return engineDir(`xla-${variant}`);
}

const inspect = (variant: XlaVariant) =>
  inspectInstalled(installDir(variant), {
    digests: OLDER_DIGESTS[variant],
    withoutManifest: true,
  });

/** The plugin that `engine install xla` put into the cache folder, if it is there and its files are what they were. */
export async function installedPlugin(variant: XlaVariant): Promise<XlaPlugin | undefined> {
  if ((await inspect(variant)).state !== 'whole') return undefined;
  return pluginIn(installDir(variant), variant, 'installed by rethink-gen');
}

/** A file of an installation that is there and isn't what it was; `undefined` where there is none. */
export async function damagedFile(variant: XlaVariant): Promise<string | undefined> {
  const found = await inspect(variant);
  return found.state === 'damaged' ? found.file : undefined;
}

/**
 * Plugins on this machine, the best first: the one named by RETHINK_GEN_PJRT_PLUGIN (alone, if set), those installed
 * by rethink-gen, those of a JAX that `python3` has.
 *
 * @throws RethinkError where RETHINK_GEN_PJRT_PLUGIN names no file.
 */
export async function findPlugins(): Promise<XlaPlugin[]> {
  const named = process.env[PLUGIN_VARIABLE];
  if (named) return [await namedPlugin(named)];
  const installed = await Promise.all(VARIANTS.map(installedPlugin));
  const jax: (XlaPlugin | undefined)[] = [];
  for (const folder of await pythonPath()) {
    for (const variant of VARIANTS)
      jax.push(await pluginIn(folder, variant, `Python packages in ${folder}`));
  }
  const found = [...installed, ...jax].filter((plugin) => plugin !== undefined);
  // Whatever has a GPU goes before what has none; within each, the order above.
  return [
    ...found.filter((plugin) => plugin.platform === 'cuda'),
    ...found.filter((plugin) => plugin.platform === 'cpu'),
  ];
}

/** A line for each plugin of this machine, or one that says why there is none. */
export async function xlaStatus(gpus: readonly Gpu[]): Promise<VariantStatus[]> {
  const absent: VariantStatus = {
    installed: false,
    version: null,
    where: null,
    device: gpus[0]?.name ?? 'cpu',
    problem: 'not installed',
    install: 'rethink-gen engine install xla',
  };
  try {
    const plugins = await findPlugins();
    if (plugins.length > 0) return plugins.map((plugin) => pluginStatus(plugin, gpus));
    const damaged = (await Promise.all(VARIANTS.map(damagedFile))).find(Boolean);
    return [damaged === undefined ? absent : { ...absent, problem: `${damaged} is damaged` }];
  } catch (error) {
    // RETHINK_GEN_PJRT_PLUGIN names a file that isn't there: the list says so and goes on.
    return [{ ...absent, problem: messageOf(error), install: null }];
  }
}

function pluginStatus({ path, platform }: XlaPlugin, gpus: readonly Gpu[]): VariantStatus {
  const idle = platform === 'cuda' && gpus.length === 0;
  return {
    installed: true,
    version: null,
    where: path,
    device: platform === 'cpu' ? 'cpu' : (gpus[0]?.name ?? null),
    problem: idle ? 'no NVIDIA GPU was found' : null,
    install: null,
  };
}

async function namedPlugin(name: string): Promise<XlaPlugin> {
  const path = resolve(name);
  if (!(await exists(path))) {
    throw new RethinkError('usage', `${PLUGIN_VARIABLE} names '${name}', which does not exist.`, {
      hint: 'Give the path of a PJRT plugin (.so), or unset it.',
    });
  }
  const platform = /cuda|gpu/i.test(basename(path)) ? 'cuda' : 'cpu';
  const variant = VARIANTS.find((v) => path.endsWith(PLUGIN_FILES[v]));
  const root = variant && path.slice(0, -PLUGIN_FILES[variant].length);
  return {
    path,
    platform,
    source: PLUGIN_VARIABLE,
    cudaDir: variant && root ? await cudaDirIn(root, variant) : undefined,
  };
}

/** The plugin of a variant below a folder, if it is there. */
async function pluginIn(
  folder: string,
  variant: XlaVariant,
  source: string,
): Promise<XlaPlugin | undefined> {
  const path = join(folder, PLUGIN_FILES[variant]);
  if (!(await exists(path))) return undefined;
  return {
    path,
    platform: variant === 'cpu' ? 'cpu' : 'cuda',
    source,
    cudaDir: await cudaDirIn(folder, variant),
  };
}

async function cudaDirIn(folder: string, variant: XlaVariant): Promise<string | undefined> {
  const tools = CUDA_TOOLS[variant];
  if (tools === undefined) return undefined;
  const dir = join(folder, tools);
  return (await exists(join(dir, 'bin', 'ptxas'))) ? dir : undefined;
}

/** Folders that python3 imports packages from; none where there is no Python. */
async function pythonPath(): Promise<string[]> {
  const { code, stdout } = await runProcess('python3', [
    '-c',
    'import sys; print("\\n".join(sys.path))',
  ]);
  return code === 0 ? stdout.split('\n').filter((line) => line.endsWith('-packages')) : [];
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
