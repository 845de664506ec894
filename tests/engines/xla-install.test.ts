import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pinnedWheels, wheelArch } from '../../src/engines/install/pinned.js';
import { wheelProblem } from '../../src/engines/install/platform.js';
import { PROJECTS as TENSORFLOW } from '../../src/engines/tensorflow/wheels.js';
import { installXla, usePlugin, variantFor } from '../../src/engines/xla/install.js';
import {
  PLATFORM_NAMES,
  PLATFORMS,
  platformOf,
  requireHardware,
} from '../../src/engines/xla/platforms.js';
import {
  damagedFile,
  findPlugins,
  givenDir,
  installDir,
  installedPlugin,
  pluginAt,
} from '../../src/engines/xla/plugin.js';
import { selectFile, XLA_VARIANTS } from '../../src/engines/xla/wheels.js';
import { fakeMachine, pin } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { makeWheel } from '../helpers/zip.js';
import { cpuPlugin } from './xla-plugin.js';

const { plugin, reason } = await cpuPlugin();
const WHEEL = `xla_cpu_pjrt-0.0.1-py3-none-manylinux_2_28_${wheelArch()}.whl`;

describe.skipIf(wheelProblem('') !== undefined)('installing xla', () => {
  let root: string;
  let wheels: string;
  const before = { ...process.env };

  beforeEach(async () => {
    root = temporaryFolder();
    wheels = join(root, 'wheels');
    await mkdir(wheels);
    process.env.XDG_CACHE_HOME = root;
    delete process.env.RETHINK_GEN_PJRT_PLUGIN;
    delete process.env.RETHINK_GEN_WHEELS;
  });
  afterEach(() => {
    Object.assign(process.env, before);
    if (before.XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
  });

  it('unpacks the plugin alone from a folder of wheels, once', async () => {
    const files = {
      [XLA_VARIANTS.cpu.plugin]: 'library',
      'xla_plugins/xla_cpu_pjrt/__init__.py': 'python',
    };
    const { content, pinned } = makeWheel(WHEEL, files);
    pin(pinned);
    await writeFile(join(wheels, WHEEL), content);
    const notes: string[] = [];
    const install = () =>
      installXla({ variant: 'cpu', from: wheels }, { note: (message) => notes.push(message) });
    const [first, second] = await Promise.all([install(), install()]);
    expect(first).toEqual(second);
    expect(notes.filter((note) => note.startsWith('Installing'))).toHaveLength(1);
    expect(await readFile(first!.path, 'utf8')).toBe('library');
    expect(await readdir(installDir('cpu'), { recursive: true })).not.toContain('__init__.py');
    expect((await findPlugins()).map(({ path }) => path)).toContain(first!.path);
    // Nothing temporary is left.
    const left = (await readdir(join(root, 'rethink-gen', 'engines'))).sort();
    expect(left).toEqual(['xla-cpu', 'xla-cpu.installing']);
  });

  it('names the wheel that a folder lacks', async () => {
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(
      /no wheel of xla_cpu_pjrt in .*wheels/,
    );
    await expect(installXla({ variant: 'cpu', from: join(root, 'absent') }, {})).rejects.toThrow(
      /absent can't be read/,
    );
  });

  it('refuses a wheel that was altered or that nobody knows, and leaves nothing behind', async () => {
    const { content } = makeWheel(WHEEL, { [XLA_VARIANTS.cpu.plugin]: 'library' });
    const [known] = pinnedWheels('xla_cpu_pjrt', wheelArch()!);
    await writeFile(join(wheels, known!.file), content);
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(/SHA-256/);
    await rm(join(wheels, known!.file));
    await writeFile(join(wheels, WHEEL), content);
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(
      /no wheel that is known/,
    );
    expect(await readdir(join(root, 'rethink-gen', 'engines'))).toEqual(['xla-cpu.installing']);
  });

  it('looks through what an older version installed without a word, and then at its dates alone', async () => {
    const plugin = join(installDir('cuda12'), 'nvidia/cublas/lib/libcublas.so.12');
    await mkdir(join(plugin, '..'), { recursive: true });
    await writeFile(plugin, 'library');
    expect(await damagedFile('cuda12')).toBeUndefined();
    const manifest = JSON.parse(
      await readFile(join(installDir('cuda12'), 'manifest.json'), 'utf8'),
    );
    expect(Object.keys(manifest.checked)).toEqual(['nvidia/cublas/lib/libcublas.so.12']);
    await writeFile(plugin, 'LIBRARY');
    expect(await damagedFile('cuda12')).toBe('nvidia/cublas/lib/libcublas.so.12');
    // A plugin's own digest is known.
    const cpu = join(installDir('cpu'), XLA_VARIANTS.cpu.plugin);
    await mkdir(join(cpu, '..'), { recursive: true });
    await writeFile(cpu, 'not the plugin');
    expect(await installedPlugin('cpu')).toBeUndefined();
    expect(await damagedFile('cpu')).toBe(XLA_VARIANTS.cpu.plugin);
  });
});

describe('a plugin that is there already', () => {
  beforeEach(() => void fakeMachine());

  it.skipIf(!plugin)(`is linked to, and used until the link is deleted${reason}`, async () => {
    const path = join(temporaryFolder(), 'own_pjrt.so');
    await symlink(plugin!.path, path);
    const notes: string[] = [];
    const note = (message: string) => notes.push(message);
    expect(await usePlugin(path, { note })).toBe(path);
    expect(await findPlugins()).toEqual([
      { path, platform: 'other', named: true, source: givenDir() },
    ]);
    expect(notes.join()).toContain(`until ${givenDir()} is deleted`);
    // Another in its place; and what the environment names goes before both.
    expect(await usePlugin(plugin!.path, {})).toBe(plugin!.path);
    expect((await findPlugins()).map(({ path }) => path)).toEqual([plugin!.path]);
    vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', path);
    expect((await findPlugins()).map(({ path }) => path)).toEqual([path]);
    vi.stubEnv('RETHINK_GEN_PJRT_PLUGIN', '');
    await rm(givenDir(), { recursive: true });
    expect((await findPlugins()).filter(({ named }) => named)).toEqual([]);
  });

  it('has to be there, and a plugin', async () => {
    await expect(usePlugin('/no/such.so', {})).rejects.toThrow(
      "--plugin names '/no/such.so', which does not exist.",
    );
    const path = join(temporaryFolder(), 'no.so');
    await writeFile(path, 'no library');
    await expect(usePlugin(path, {})).rejects.toThrow(/can't be loaded/);
    expect(await readdir(join(givenDir(), '..')).catch(() => [])).not.toContain('xla-plugin');
  });

  it('for CUDA takes ptxas from beside it, from CUDA_HOME, or from where it lies for another package', async () => {
    const { engines } = fakeMachine();
    const tool = async (folder: string) => {
      await mkdir(join(folder, 'bin'), { recursive: true });
      await writeFile(join(folder, 'bin', 'ptxas'), 'ptxas');
      return folder;
    };
    const packages = temporaryFolder();
    const path = join(packages, XLA_VARIANTS.cuda13.plugin);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, 'plugin');
    const cudaDir = async () => (await pluginAt(path, 'test')).cudaDir;
    vi.stubEnv('CUDA_HOME', '');
    vi.stubEnv('CUDA_PATH', '');
    vi.stubEnv('PATH', '');
    expect(await cudaDir()).toBeUndefined();
    const other = await tool(join(engines, 'tensorflow-cuda', 'nvidia/cuda_nvcc'));
    expect(await cudaDir()).toBe(other);
    const home = await tool(join(temporaryFolder(), 'cuda'));
    vi.stubEnv('CUDA_HOME', home);
    expect(await cudaDir()).toBe(home);
    const own = await tool(join(packages, 'nvidia/cu13'));
    expect(await cudaDir()).toBe(own);
  });

  it.each(PLATFORM_NAMES)('for %s is not started where there is no such device', (platform) => {
    const nodes: readonly string[] = PLATFORMS[platform].nodes;
    const start = () => requireHardware(platform, '/a/plugin.so');
    if (nodes.length === 0 || nodes.some((node) => existsSync(node))) start();
    else expect(start).toThrow(`isn't here: there is no ${nodes[0]}`);
  });

  it.each([
    ['xla_cuda_plugin.so', 'cuda'],
    ['xla_rocm_plugin.so', 'rocm'],
    ['libtpu.so', 'tpu'],
    ['xla_cpu_pjrt.so', 'cpu'],
    ['pjrt_plugin_metal_14.dylib', 'other'],
  ])('called %s is for %s', (name, platform) => {
    expect(platformOf(name)).toBe(platform);
  });
});

describe('xla wheels', () => {
  it.each([
    ['580.65.06', 'cuda13'],
    ['595.10', 'cuda13'],
    ['550.54.15', 'cuda12'],
    [undefined, 'cpu'],
  ])('driver %s takes %s', (driver, variant) => {
    expect(variantFor(driver)).toBe(variant);
  });

  it('keeps libraries, ptxas and libdevice, and nothing else', () => {
    for (const file of [
      'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
      'nvidia/cudnn/lib/libcudnn.so.9',
      'nvidia/cu13/bin/ptxas',
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
      ...Object.values(XLA_VARIANTS).map(({ plugin }) => plugin),
    ]) {
      expect(selectFile(file)).toBe(file);
    }
    for (const file of [
      'nvidia/cu13/lib/libnvrtc.alt.so.13',
      'nvidia/cudnn/include/cudnn.h',
      'jax_plugins/xla_cuda13/version.py',
      '../x.so',
      'nvidia/../../bin/ptxas',
      'libtpu/sdk.so',
      'libtpu/../libtpu.so',
    ]) {
      expect(selectFile(file)).toBeUndefined();
    }
  });

  it.each(['x86_64', 'aarch64'] as const)('are pinned for %s, each with its RECORD', (arch) => {
    // Of the experimental ones there are none for arm64.
    const variants = Object.values(XLA_VARIANTS).filter(
      ({ platform }) => arch === 'x86_64' || !PLATFORMS[platform].experimental,
    );
    const lists = [
      ...variants.map(({ projects }) => projects),
      ...Object.values(TENSORFLOW).map((of) => of[arch] ?? []),
    ];
    for (const project of lists.flat()) {
      const [wheel] = pinnedWheels(project, arch);
      expect(wheel?.file).toMatch(new RegExp(`^${project}-[\\d.]+-.*${arch}\\.whl$`));
      expect(wheel?.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel?.record).toMatch(/^[0-9a-f]{64}$/);
      expect(wheel?.bytes).toBeGreaterThan(1e5);
    }
  });

  it('are of CUDA 13.0, which the oldest driver for CUDA 13 runs', () => {
    for (const part of [
      'cuda_nvcc',
      'cuda_nvrtc',
      'cuda_runtime',
      'cuda_cupti',
      'nvjitlink',
      'nvvm',
    ]) {
      expect(pinnedWheels(`nvidia_${part}`, 'x86_64')[0]?.file).toMatch(`nvidia_${part}-13.0.`);
    }
  });
});
