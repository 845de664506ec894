import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinnedWheels, wheelArch } from '../../src/engines/install/pinned.js';
import { wheelProblem } from '../../src/engines/install/platform.js';
import { PROJECTS as TENSORFLOW } from '../../src/engines/tensorflow/wheels.js';
import { installXla, variantFor } from '../../src/engines/xla/install.js';
import {
  damagedFile,
  findPlugins,
  installDir,
  installedPlugin,
  PLUGIN_FILES,
} from '../../src/engines/xla/plugin.js';
import { PROJECTS, selectFile } from '../../src/engines/xla/wheels.js';
import { pin } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { makeWheel } from '../helpers/zip.js';

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
      [PLUGIN_FILES.cpu]: 'library',
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
    expect(left).toEqual(['xla-cpu', 'xla-cpu.lock']);
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
    const { content } = makeWheel(WHEEL, { [PLUGIN_FILES.cpu]: 'library' });
    const [known] = pinnedWheels('xla_cpu_pjrt', wheelArch()!);
    await writeFile(join(wheels, known!.file), content);
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(/SHA-256/);
    await rm(join(wheels, known!.file));
    await writeFile(join(wheels, WHEEL), content);
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(
      /no wheel that is known/,
    );
    expect(await readdir(join(root, 'rethink-gen', 'engines'))).toEqual(['xla-cpu.lock']);
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
    const cpu = join(installDir('cpu'), PLUGIN_FILES.cpu);
    await mkdir(join(cpu, '..'), { recursive: true });
    await writeFile(cpu, 'not the plugin');
    expect(await installedPlugin('cpu')).toBeUndefined();
    expect(await damagedFile('cpu')).toBe(PLUGIN_FILES.cpu);
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
    ]) {
      expect(selectFile(file)).toBe(file);
    }
    for (const file of [
      'nvidia/cu13/lib/libnvrtc.alt.so.13',
      'nvidia/cudnn/include/cudnn.h',
      'jax_plugins/xla_cuda13/version.py',
      '../x.so',
      'nvidia/../../bin/ptxas',
    ]) {
      expect(selectFile(file)).toBeUndefined();
    }
  });

  it.each(['x86_64', 'aarch64'] as const)('are pinned for %s, each with its RECORD', (arch) => {
    const lists = [
      ...Object.values(PROJECTS),
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
