import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, vi } from 'vitest';
import { PINNED, type PinnedWheel, wheelArch } from '../../src/engines/install/pinned.js';
import { PROJECTS, TENSORFLOW_VERSION } from '../../src/engines/tensorflow/wheels.js';
import { temporaryFolder } from './temporary-folder.js';
import { makeWheel } from './zip.js';

const ARCH = wheelArch() ?? 'x86_64';
const [PROJECT = ''] = PROJECTS.cpu[ARCH] ?? [];

/** A wheel of TensorFlow in small, as this machine needs it. */
export const WHEEL = `${PROJECT}-${TENSORFLOW_VERSION}-cp399-cp399-manylinux_2_27_${ARCH}.whl`;

export const WHEEL_FILES: Record<string, string | Buffer> = {
  'tensorflow/libtensorflow_cc.so.2': 'the library',
  // More than a server may be asked for without need.
  'tensorflow/python/ops.py': Buffer.alloc(600_000, 'python'),
  'tensorflow/libtensorflow_framework.so.2': Buffer.alloc(100_000, 'the framework'),
  'tensorflow/include/tensorflow/c/c_api.h': '// c_api',
  'tensorflow/include/tensorflow/c/eager/c_api.h': '// eager',
  'tensorflow/include/tsl/platform/ctstring.h': '// ctstring',
  'tensorflow/include/tensorflow/core/graph.h': '// not needed',
  'tensorflow/python/__init__.py': 'print()',
};

/** A compiler that writes what it was asked to write. */
const COMPILER = `#!/bin/sh
[ "$1" = --version ] && { echo "fake g++ 1.0"; exit 0; }
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo addon > "$2"; shift; done`;

export interface FakeMachine {
  /** Cache folder of engines. */
  engines: string;
  /** A folder with one good wheel in it. */
  wheels: string;
  /** That wheel. */
  wheel: Buffer;
  /** Its row in the table of digests, where it stands for the length of the test. */
  pinned: PinnedWheel;
  /** Puts a program on the PATH, before the machine's own. */
  program(name: string, script: string): string;
  /** Takes the machine's own programs off the PATH. */
  hidePrograms(): void;
  /** Names in the cache folder, without locks. */
  listing(): string[];
}

/** A cache folder, a PATH and a compiler of a test's own, for the length of that test. */
export function fakeMachine(): FakeMachine {
  const root = temporaryFolder();
  const [bin, wheels] = [join(root, 'bin'), join(root, 'wheels')];
  for (const folder of [bin, wheels]) mkdirSync(folder);
  const { content, pinned } = makeWheel(WHEEL, WHEEL_FILES);
  writeFileSync(join(wheels, WHEEL), content);
  pin(pinned);
  const program = (name: string, script: string) => {
    const path = join(bin, name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return path;
  };
  vi.stubEnv('XDG_CACHE_HOME', root);
  vi.stubEnv('PATH', [bin, process.env.PATH].join(delimiter));
  vi.stubEnv('CXX', program('fake-g++', COMPILER));
  // pip's settings of the machine, and those of the person.
  for (const name of Object.keys(process.env)) {
    if (/^(pip_.*|virtual_env|conda_prefix|(https?|all|no)_proxy)$/i.test(name))
      vi.stubEnv(name, '');
  }
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('HOME', root);
  vi.stubEnv('RETHINK_GEN_WHEELS', '');
  vi.stubEnv('RETHINK_GEN_NO_INSTALL', '');
  const engines = join(root, 'rethink-gen', 'engines');
  return {
    engines,
    wheels,
    wheel: content,
    pinned,
    program,
    hidePrograms: () => vi.stubEnv('PATH', bin),
    listing: () => readdirSync(engines).filter((name) => !name.endsWith('.installing')),
  };
}

/** Adds a wheel to the table of digests for the length of a test, before all others of its project. */
export function pin(wheel: PinnedWheel): void {
  PINNED.unshift(wheel);
}

const ALL = [...PINNED];

afterEach(() => {
  PINNED.splice(0, PINNED.length, ...ALL);
  vi.unstubAllEnvs();
});
