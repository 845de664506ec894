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
import { findInstallation } from '../../src/engines/tensorflow/installation.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import type { Preparing } from '../../src/progress.js';
import { write } from '../data/helpers.js';
import { fakeMachine, WHEEL, WHEEL_FILES } from '../helpers/fake-machine.js';
import { zip } from '../helpers/zip.js';

const DIR = 'tensorflow-2.21.0-cpu';

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
    const sha256 = createHash('sha256').update(zip(WHEEL_FILES)).digest('hex');
    expect(installation.wheels).toEqual([{ file: WHEEL, sha256 }]);
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

  it('replaces an installation whose library was cut short', async () => {
    const machine = fakeMachine();
    await install({ from: machine.wheels });
    truncateSync(join(machine.engines, DIR, 'libtensorflow_cc.so.2'), 3);
    expect(await findInstallation('cpu')).toBeUndefined();
    await install({ from: machine.wheels });
    expect(await findInstallation('cpu')).toBeDefined();
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

    it('names the wheel that is missing and how to get it', async () => {
      const machine = fakeMachine();
      await expect(
        install({ from: machine.engines.replace(/rethink-gen.*/, '') }),
      ).rejects.toMatchObject({
        message: expect.stringMatching(/no wheel of tensorflow_cpu==2\.21\.0/),
        hint: expect.stringMatching(/pip download .*tensorflow_cpu==2\.21\.0/),
      });
    });

    it('refuses a published wheel with another checksum', async () => {
      const machine = fakeMachine();
      const published = WHEEL.replaceAll('cp399', 'cp312');
      renameSync(join(machine.wheels, WHEEL), join(machine.wheels, published));
      await expect(install({ from: machine.wheels })).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringMatching(/is damaged: its SHA-256 is \w{64}, and should be dcc8afd3/),
      });
      expect(machine.listing()).toEqual([]);
    });

    it.each([
      ['truncated', (whole: Buffer) => whole.subarray(0, whole.length - 40)],
      ['not a zip at all', () => Buffer.from('<html>')],
      ['with a path that leaves the folder', () => zip({ ...WHEEL_FILES, '../evil': 'x' })],
    ])('refuses a wheel that is %s, and leaves nothing', async (_, spoil) => {
      const machine = fakeMachine();
      writeFileSync(join(machine.wheels, WHEEL), spoil(zip(WHEEL_FILES)));
      await expect(install({ from: machine.wheels })).rejects.toMatchObject({
        kind: 'data',
        message: expect.stringContaining(WHEEL),
      });
      expect(machine.listing()).toEqual([]);
    });
  },
);

describe.skipIf(platformProblem() !== undefined)('what can go wrong with the compiler', () => {
  it('says that there is none, before anything is fetched', async () => {
    const machine = fakeMachine();
    vi.stubEnv('CXX', '/nowhere/g++');
    await expect(install({ from: machine.wheels })).rejects.toMatchObject({
      message: expect.stringContaining('/nowhere/g++'),
      hint: expect.stringContaining('apt install g++'),
    });
  });

  it('quotes its first error, and needs no wheel when it is mended', async () => {
    const machine = fakeMachine();
    const good = process.env.CXX!;
    const bad =
      '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "x.cc:1: error: no such thing" >&2; exit 1';
    vi.stubEnv('CXX', machine.program('bad-g++', bad));
    await expect(install({ from: machine.wheels })).rejects.toThrow(
      /x\.cc:1: error: no such thing/,
    );
    vi.stubEnv('CXX', good);
    expect((await install({ from: '/nowhere' })).installation.dir).toContain(DIR);
  });
});

describe.skipIf(platformProblem() !== undefined)('fetching with pip', () => {
  /** A python3 whose `pip download` does what `body` says; $DEST is where the wheel goes. */
  const python = (body: string) => `#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = --dest ] && DEST="$2"; shift; done
${body}`;

  it('downloads with progress, and keeps no wheel', async () => {
    const machine = fakeMachine();
    const wheel = join(machine.wheels, WHEEL);
    machine.program(
      'python3',
      python(`echo "  Downloading ${WHEEL} (2.0 kB)"
mkdir "$TMPDIR/unpack"; head -c 1000 /dev/zero > "$TMPDIR/unpack/part"
sleep 0.8; cp "${wheel}" "$DEST"`),
    );
    const { installation, progress } = await install();
    expect(installation.wheels[0]?.file).toBe(WHEEL);
    expect(progress).toContainEqual({
      what: `downloading ${WHEEL}`,
      done: 1000,
      total: 2000,
      unit: 'bytes',
    });
    expect(machine.listing()).toEqual([DIR]);
  });

  it.each([
    [
      'no pip',
      'echo "/usr/bin/python3: No module named pip" >&2; exit 1',
      /python3 has no pip/,
      /apt install python3-pip/,
    ],
    [
      'no network',
      'echo "WARNING: Retrying: Failed to establish a new connection: NewConnectionError" >&2; echo "ERROR: No matching distribution found" >&2; exit 1',
      /PyPI isn't reachable/,
      /--from DIR/,
    ],
    [
      'a full disk',
      'echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1',
      /Could not write .*: no space left on the device/,
      /XDG_CACHE_HOME/,
    ],
    [
      'anything else',
      'echo "noise" >&2; echo "ERROR: No matching distribution found for tensorflow_cpu" >&2; exit 1',
      /pip couldn't fetch tensorflow_cpu==2\.21\.0: No matching distribution found/,
      /--from DIR/,
    ],
  ])('says it in one sentence when there is %s', async (_, body, message, hint) => {
    const machine = fakeMachine();
    machine.program('python3', python(body));
    await expect(install()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect(machine.listing()).toEqual([]);
  });

  it('says that there is no python3', async () => {
    const machine = fakeMachine();
    vi.stubEnv('CXX', machine.program('fake-g++', '#!/bin/sh\necho fake'));
    machine.hidePrograms();
    await expect(install()).rejects.toMatchObject({
      message: expect.stringContaining("python3 wasn't found"),
      hint: expect.stringContaining('apt install python3'),
    });
  });

  it('stops pip when it is interrupted, and leaves nothing', async () => {
    const machine = fakeMachine();
    machine.program('python3', python('exec sleep 60'));
    const controller = new AbortController();
    const installing = installTensorflow({ variant: 'cpu' }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await expect(installing).rejects.toMatchObject({ kind: 'interrupted', exitCode: 130 });
    expect(machine.listing()).toEqual([]);
  });
});
