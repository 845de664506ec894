import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { thisProcess } from '../../src/disk/process-identity.js';
import { addonName } from '../../src/engines/tensorflow/addon.js';
import { type InstallOptions, installTensorflow } from '../../src/engines/tensorflow/install.js';
import {
  damagedFile,
  findInstallation,
  hasAddon,
} from '../../src/engines/tensorflow/installation.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import { tensorflowStatus } from '../../src/engines/tensorflow/status.js';
import { OLDER_DIGESTS } from '../../src/engines/tensorflow/wheels.js';
import type { Preparing } from '../../src/progress.js';
import { write } from '../data/helpers.js';
import { fakeMachine, pin, WHEEL, WHEEL_FILES } from '../helpers/fake-machine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { makeWheel } from '../helpers/zip.js';

const DIR = 'tensorflow-2.21.0-cpu';

const digestOf = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

async function install(options: Partial<InstallOptions> = {}) {
  const notes: string[] = [];
  const progress: Preparing[] = [];
  const installation = await installTensorflow(
    { variant: 'cpu', ...options },
    { note: (message) => notes.push(message), onProgress: (event) => progress.push(event) },
  );
  return { installation, notes, progress };
}

describe.skipIf(platformProblem() !== undefined)('installing tensorflow', () => {
  it('unpacks the libraries and headers of a wheel, builds the addon, and no more', async () => {
    const machine = fakeMachine();
    const { installation, notes } = await install({ from: machine.wheels });
    expect(installation.files.sort()).toEqual([
      'include/tensorflow/c/c_api.h',
      'include/tensorflow/c/eager/c_api.h',
      'include/tsl/platform/ctstring.h',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    const library = readFileSync(join(installation.dir, 'libtensorflow_cc.so.2'), 'utf8');
    expect(library).toBe('the library');
    expect(existsSync(join(installation.dir, addonName()))).toBe(true);
    expect(installation.wheels).toEqual([{ file: WHEEL, sha256: machine.pinned.sha256 }]);
    expect(machine.listing()).toEqual([DIR]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(machine.wheels);
  });

  it('does nothing the second time, and starts over with force', async () => {
    const machine = fakeMachine();
    await install({ from: machine.wheels });
    const marker = join(machine.engines, DIR, 'marker');
    writeFileSync(marker, '');
    expect((await install({ from: '/nowhere' })).notes).toEqual([]);
    expect(existsSync(marker)).toBe(true);
    await install({ from: machine.wheels, force: true });
    expect(existsSync(marker)).toBe(false);
    expect(machine.listing()).toEqual([DIR]);
  });

  it('takes the folder of wheels from the environment', async () => {
    const machine = fakeMachine();
    vi.stubEnv('RETHINK_GEN_WHEELS', machine.wheels);
    expect((await install()).installation.wheels[0]?.file).toBe(WHEEL);
  });

  it('builds a missing addon again without the wheel', async () => {
    const machine = fakeMachine();
    await install({ from: machine.wheels });
    const addon = join(machine.engines, DIR, addonName());
    rmSync(addon);
    await install({ from: '/nowhere' });
    expect(existsSync(addon)).toBe(true);
  });

  it('removes what an interrupted installation left, but not one that goes on elsewhere', async () => {
    const machine = fakeMachine();
    const left = (name: string) => join(machine.engines, name);
    // Of older versions, which did not say whose it is.
    for (const name of [`${DIR}.tmp-1`, `${DIR}.wheels-1`]) {
      mkdirSync(left(name), { recursive: true });
      utimesSync(left(name), 0, 0);
    }
    const dead = { ...thisProcess(), pid: 2 ** 30 };
    const [here, elsewhere] = [`.${DIR}.1-0000000a.new`, `.${DIR}.1-0000000b.new`];
    write(join(left(here), '.owner.json'), JSON.stringify(dead));
    write(join(left(elsewhere), '.owner.json'), JSON.stringify({ ...dead, host: 'elsewhere' }));
    await install({ from: machine.wheels });
    expect(machine.listing()).toEqual([elsewhere, DIR]);
  });
});

describe.skipIf(platformProblem() !== undefined)(
  'what can go wrong with a folder of wheels',
  () => {
    it('says that the folder is not there', async () => {
      fakeMachine();
      await expect(install({ from: '/nowhere' })).rejects.toMatchObject({
        kind: 'usage',
        message: expect.stringContaining('/nowhere'),
      });
    });

    it('names the wheel that is missing', async () => {
      fakeMachine();
      await expect(install({ from: temporaryFolder() })).rejects.toMatchObject({
        message: expect.stringMatching(/^There is no wheel of tensorflow\w* in /),
        hint: expect.stringMatching(/tensorflow\w*-2\.21\.0-cp312-\S+\.whl/),
      });
    });

    it.each(['-py3-none-any.whl', '-cp398-cp398-manylinux_2_27_x86_64.whl'])(
      'refuses a wheel that nobody knows: %s',
      async (ending) => {
        const machine = fakeMachine();
        const unknown = WHEEL.replace(/-cp399.*/, ending);
        renameSync(join(machine.wheels, WHEEL), join(machine.wheels, unknown));
        await expect(install({ from: machine.wheels })).rejects.toMatchObject({
          message: expect.stringMatching(/^tensorflow.* is no wheel that is known/),
        });
        expect(machine.listing()).toEqual([]);
      },
    );

    it.each([
      ['altered', (whole: Buffer) => Buffer.from(whole).fill(7, 50, 60)],
      ['truncated', (whole: Buffer) => whole.subarray(0, whole.length - 40)],
      ['not a zip at all', () => Buffer.from('<html>')],
    ])('refuses a wheel that is %s, and leaves nothing', async (_, spoil) => {
      const machine = fakeMachine();
      writeFileSync(join(machine.wheels, WHEEL), spoil(machine.wheel));
      await expect(install({ from: machine.wheels })).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringMatching(/ is damaged: its SHA-256 is \w{64}, and should be \w{64}/),
      });
      expect(machine.listing()).toEqual([]);
    });

    it('refuses a path that leaves the folder, even in a wheel that is known', async () => {
      const machine = fakeMachine();
      const { content, pinned } = makeWheel(WHEEL, { ...WHEEL_FILES, '../evil': 'x' });
      pin(pinned);
      writeFileSync(join(machine.wheels, WHEEL), content);
      await expect(install({ from: machine.wheels })).rejects.toMatchObject({ kind: 'data' });
      expect(machine.listing()).toEqual([]);
    });
  },
);

describe.skipIf(platformProblem() !== undefined)('without a compiler that can do it', () => {
  it('installs the libraries alone, and adds the addon as soon as there is one', async () => {
    const machine = fakeMachine();
    const compiler = process.env.CXX!;
    vi.stubEnv('CXX', '/nowhere/g++');
    const { installation, notes } = await install({ from: machine.wheels });
    expect(notes).toEqual([expect.stringMatching(/^Installing/)]);
    expect(await hasAddon(installation)).toBe(false);
    vi.stubEnv('CXX', compiler);
    expect(await hasAddon((await install({ from: '/nowhere' })).installation)).toBe(true);
  });

  it('says what the compiler said', async () => {
    const machine = fakeMachine();
    const bad =
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "x.cc:1: error: no such thing" >&2; exit 1';
    vi.stubEnv('CXX', machine.program('bad-g++', bad));
    const { installation, notes } = await install({ from: machine.wheels });
    expect(notes[1]).toMatch(/x\.cc:1: error: no such thing TensorFlow runs without its addon/);
    expect(await hasAddon(installation)).toBe(false);
    await expect(install({ from: '/nowhere' })).rejects.toThrow(/no such thing/);
  });
});

describe.skipIf(platformProblem() !== undefined)('what is installed', () => {
  const LIBRARY = 'libtensorflow_cc.so.2';
  const start = async () => {
    const machine = fakeMachine();
    await install({ from: machine.wheels });
    const dir = join(machine.engines, DIR);
    const manifest = () => JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
    return { machine, dir, manifest, library: join(dir, LIBRARY) };
  };

  it('is good as long as its files are the same, wherever they were copied', async () => {
    const { manifest, library } = await start();
    const before = manifest();
    writeFileSync(`${library}.copy`, 'the library');
    renameSync(`${library}.copy`, library);
    expect(await findInstallation('cpu')).toBeDefined();
    expect(manifest().checked[LIBRARY].inode).not.toBe(before.checked[LIBRARY].inode);
    expect(manifest().checked[LIBRARY].sha256).toBe(before.checked[LIBRARY].sha256);
  });

  it.each([
    ['altered', (path: string) => writeFileSync(path, 'the LIBRARY')],
    ['cut short', (path: string) => truncateSync(path, 3)],
    ['gone', (path: string) => rmSync(path)],
  ])('is refused where a file is %s, and replaced with a word about it', async (_, spoil) => {
    const { machine, library } = await start();
    spoil(library);
    expect(await findInstallation('cpu')).toBeUndefined();
    const { problem } = await tensorflowStatus('cpu', []);
    expect(problem).toBe(`${LIBRARY} is damaged`);
    const { notes } = await install({ from: machine.wheels });
    expect(notes[0]).toBe(`${library} is damaged.`);
    expect(readFileSync(library, 'utf8')).toBe('the library');
  });

  it('of an older version is looked through once, and then as good', async () => {
    const { dir, manifest, library } = await start();
    const { checked: _, ...older } = manifest();
    const path = join(dir, 'manifest.json');
    writeFileSync(path, JSON.stringify(older));
    // What TensorFlow's libraries should be, that version wrote nowhere; this one knows it.
    expect(await damagedFile('cpu')).toBe('libtensorflow_cc.so.2');
    const known = OLDER_DIGESTS.cpu as Record<string, string>;
    const before = { ...known };
    known[LIBRARY] = digestOf('the library');
    known['libtensorflow_framework.so.2'] = digestOf(
      readFileSync(join(dir, 'libtensorflow_framework.so.2')),
    );
    try {
      expect(await findInstallation('cpu')).toBeDefined();
      // As older versions read it.
      expect(manifest().files).toEqual(older.files);
      Object.assign(known, before);
      expect(await findInstallation('cpu')).toBeDefined();
      writeFileSync(library, 'the LIBRARY');
      expect(await damagedFile('cpu')).toBe(LIBRARY);
    } finally {
      Object.assign(known, before);
    }
  });
});
