import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installXla, variantFor } from '../../src/engines/xla/install.js';
import { findPlugins, installDir, PLUGIN_FILES } from '../../src/engines/xla/plugin.js';
import { REQUIREMENTS, selectFile } from '../../src/engines/xla/wheels.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../helpers/zip.js';

const WHEEL = 'xla_cpu_pjrt-0.0.1-py3-none-manylinux_2_28_x86_64.whl';

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('installing xla', () => {
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
    await writeFile(join(wheels, WHEEL), zip(files));
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
      /no wheel of xla-cpu-pjrt==0\.0\.1 .* in .*wheels/,
    );
    await expect(installXla({ variant: 'cpu', from: join(root, 'absent') }, {})).rejects.toThrow(
      /absent can't be read/,
    );
  });

  it('refuses a damaged wheel and leaves nothing behind', async () => {
    const known = 'xla_cpu_pjrt-0.0.1-py3-none-manylinux_2_27_x86_64.whl';
    await writeFile(join(wheels, known), zip({ [PLUGIN_FILES.cpu]: 'altered' }));
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(/SHA-256/);
    await rm(join(wheels, known));
    await writeFile(join(wheels, WHEEL), zip({ [PLUGIN_FILES.cpu]: 'library' }).subarray(0, 60));
    await expect(installXla({ variant: 'cpu', from: wheels }, {})).rejects.toThrow(/can't be read/);
    expect(await readdir(join(root, 'rethink-gen', 'engines'))).toEqual(['xla-cpu.lock']);
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
      'nvidia/cudnn/include/cudnn.h',
      'jax_plugins/xla_cuda13/version.py',
      '../x.so',
      'nvidia/../../bin/ptxas',
    ]) {
      expect(selectFile(file)).toBeUndefined();
    }
  });

  it('pins every plugin', () => {
    for (const [plugin] of Object.values(REQUIREMENTS)) expect(plugin).toMatch(/==[\d.]+$/);
  });
});
