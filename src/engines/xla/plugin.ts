import { access, readdir, readlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import { engineDir } from '../../machine/cache-folder.js';
import type { Gpu } from '../../machine/gpu.js';
import { runProcess } from '../../machine/process.js';
import { inspectInstalled } from '../install/manifest.js';
import type { VariantStatus } from '../kind.js';
import { PLATFORM_NAMES, PLATFORMS, type Platform, platformOf } from './platforms.js';
import { VARIANT_NAMES, XLA_VARIANTS, type XlaVariant } from './wheels.js';

/** Names a plugin's file: the environment variable that overrides all looking. */
export const PLUGIN_VARIABLE = 'RETHINK_GEN_PJRT_PLUGIN';

/** A PJRT plugin on this machine. */
export interface XlaPlugin {
  /** Absolute path of the shared library. */
  path: string;
  platform: Platform;
  /** Of those that can be installed, if it is one: from here, by hand, or with a JAX. */
  variant?: XlaVariant | undefined;
  /** The folder of Python packages that it lies in, with that. */
  packages?: string | undefined;
  /** Whether a person gave its path. */
  named?: boolean;
  /** Where it was found, for people: `RETHINK_GEN_PJRT_PLUGIN`, `installed by rethink-gen`, `JAX in /…`. */
  source: string;
  /** CUDA tools (bin/ptxas, nvvm/libdevice) that came with it. */
  cudaDir?: string | undefined;
}

/** Folder that `engine install xla --<variant>` fills. */
export function installDir(variant: XlaVariant): string {
  return engineDir(`xla-${variant}`);
}

const inspect = (variant: XlaVariant) =>
  inspectInstalled(installDir(variant), {
    digests: XLA_VARIANTS[variant].olderDigests,
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

/** What is found in Python's folders without having been asked for is used where it is known to compute right. */
const PROVED = VARIANT_NAMES.filter(
  (variant) => !PLATFORMS[XLA_VARIANTS[variant].platform].experimental,
);

/** Where `engine install xla --plugin` links to a plugin. */
export const givenDir = () => engineDir('xla-plugin');

async function givenPlugin(): Promise<XlaPlugin | undefined> {
  const [name] = (await readdir(givenDir()).catch(() => [])).filter(
    (file) => !file.startsWith('.'),
  );
  if (name === undefined) return undefined;
  // The file itself, beside which its libraries lie; a link that leads nowhere is told.
  const path = await readlink(join(givenDir(), name));
  return pluginAt(path, givenDir());
}

/**
 * Plugins on this machine, the best first: the one named by RETHINK_GEN_PJRT_PLUGIN or given to `engine install` (alone, if
 * there is one), those installed by rethink-gen, those of a JAX that `python3` has.
 *
 * @throws RethinkError where RETHINK_GEN_PJRT_PLUGIN names no file.
 */
export async function findPlugins(): Promise<XlaPlugin[]> {
  const named = process.env[PLUGIN_VARIABLE];
  if (named) return [await pluginAt(named, PLUGIN_VARIABLE)];
  const given = await givenPlugin();
  if (given !== undefined) return [given];
  const installed = await Promise.all(VARIANT_NAMES.map(installedPlugin));
  const jax: (XlaPlugin | undefined)[] = [];
  for (const folder of await pythonPath()) {
    for (const variant of PROVED)
      jax.push(await pluginIn(folder, variant, `Python packages in ${folder}`));
  }
  const found = [...installed, ...jax].filter((plugin) => plugin !== undefined);
  // Whatever has a GPU goes before what has none; within each, the order above.
  return PLATFORM_NAMES.flatMap((platform) => found.filter((one) => one.platform === platform));
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
    const damaged = (await Promise.all(VARIANT_NAMES.map(damagedFile))).find(Boolean);
    return [damaged === undefined ? absent : { ...absent, problem: `${damaged} is damaged` }];
  } catch (error) {
    // RETHINK_GEN_PJRT_PLUGIN names a file that isn't there: the list says so and goes on.
    return [{ ...absent, problem: messageOf(error), install: null }];
  }
}

function pluginStatus({ path, platform }: XlaPlugin, gpus: readonly Gpu[]): VariantStatus {
  const idle = platform === 'cuda' && gpus.length === 0;
  const devices: Partial<Record<Platform, string | null>> = {
    cpu: 'cpu',
    cuda: gpus[0]?.name ?? null,
  };
  const device = devices[platform];
  return {
    installed: true,
    version: null,
    where: path,
    device: device === undefined ? `${platform}, experimental` : device,
    problem: idle ? 'no NVIDIA GPU was found' : null,
    install: null,
  };
}

/** A plugin by its path. @param source what names it */
export async function pluginAt(name: string, source: string): Promise<XlaPlugin> {
  const path = resolve(name);
  if (!(await exists(path))) {
    throw new RethinkError('usage', `${source} names '${name}', which does not exist.`, {
      hint: 'Give the path of a PJRT plugin (.so), or leave it out.',
    });
  }
  const variant = VARIANT_NAMES.find((known) => path.endsWith(XLA_VARIANTS[known].plugin));
  const packages = variant && path.slice(0, -XLA_VARIANTS[variant].plugin.length);
  const platform = platformOf(basename(path));
  const cudaDir = await cudaDirFor(platform, packages);
  return { path, platform, named: true, source, variant, packages, cudaDir };
}

/** The plugin of a variant below a folder, if it is there. */
async function pluginIn(
  folder: string,
  variant: XlaVariant,
  source: string,
): Promise<XlaPlugin | undefined> {
  const { plugin, platform } = XLA_VARIANTS[variant];
  const path = join(folder, plugin);
  if (!(await exists(path))) return undefined;
  const cudaDir = await cudaDirFor(platform, folder);
  return { path, platform, source, variant, packages: folder, cudaDir };
}

/** Where NVIDIA's wheels put ptxas and libdevice, of CUDA 13 and of CUDA 12. */
const CUDA_TOOLS = ['nvidia/cu13', 'nvidia/cuda_nvcc'];

/**
 * The folder of ptxas and libdevice: the plugin's own, a CUDA's that a person named, or where pip laid one for another
 * package. XLA itself looks through PATH.
 */
async function cudaDirFor(
  platform: Platform,
  packages: string | undefined,
): Promise<string | undefined> {
  if (platform !== 'cuda') return undefined;
  const toolsIn = (folder: string) => CUDA_TOOLS.map((tools) => join(folder, tools));
  const { CUDA_HOME, CUDA_PATH } = process.env;
  const own = packages === undefined ? [] : toolsIn(packages);
  return (
    (await firstWithPtxas([...own, CUDA_HOME, CUDA_PATH])) ??
    (await firstWithPtxas((await packageFolders()).flatMap(toolsIn)))
  );
}

async function firstWithPtxas(dirs: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const dir of dirs) if (dir && (await exists(join(dir, 'bin', 'ptxas')))) return dir;
  return undefined;
}

/**
 * Folders where pip and this program laid Python packages, the libraries and tools of NVIDIA's wheels among them,
 * whatever for.
 */
export async function packageFolders(): Promise<string[]> {
  const engines = await readdir(engineDir('.')).catch(() => []);
  return [...(await pythonPath()), ...engines.map(engineDir)];
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
