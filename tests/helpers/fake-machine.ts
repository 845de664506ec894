import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, vi } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';
import { zip } from './zip.js';

/** A wheel of TensorFlow in small, of a Python whose checksum nobody knows. */
export const WHEEL = 'tensorflow_cpu-2.21.0-cp399-cp399-manylinux_2_27_x86_64.whl';

export const WHEEL_FILES: Record<string, string> = {
  'tensorflow/libtensorflow_cc.so.2': 'the library',
  'tensorflow/libtensorflow_framework.so.2': 'the framework',
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
  writeFileSync(join(wheels, WHEEL), zip(WHEEL_FILES));
  const program = (name: string, script: string) => {
    const path = join(bin, name);
    writeFileSync(path, script);
    chmodSync(path, 0o755);
    return path;
  };
  vi.stubEnv('XDG_CACHE_HOME', root);
  vi.stubEnv('PATH', [bin, process.env.PATH].join(delimiter));
  vi.stubEnv('CXX', program('fake-g++', COMPILER));
  vi.stubEnv('RETHINK_GEN_WHEELS', '');
  vi.stubEnv('RETHINK_GEN_NO_INSTALL', '');
  const engines = join(root, 'rethink-gen', 'engines');
  return {
    engines,
    wheels,
    program,
    hidePrograms: () => vi.stubEnv('PATH', bin),
    listing: () => readdirSync(engines).filter((name) => !name.endsWith('.lock')),
  };
}

afterEach(() => {
  vi.unstubAllEnvs();
});
