import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../disk/digest.js';
import { RethinkError } from '../../errors.js';
import { runProcess } from '../../machine/process.js';
import { packageVersion } from '../../version.js';

const require = createRequire(import.meta.url);

/** The npm package whose JavaScript and C++ binding we use: `@tensorflow/tfjs-node-gpu` is the same code as tfjs-node. */
export const TFJS_NODE = '@tensorflow/tfjs-node-gpu';

/** Operations of our own for TensorFlow: compiled into the addon. */
const OWN_OPS = fileURLToPath(new URL('../../../src/engines/tensorflow/ops.cc', import.meta.url));

/** Name of the addon's file: it belongs to its sources, and N-API makes it serve every Node. */
export function addonName(): string {
  const hash = sha256(readFileSync(OWN_OPS)).slice(0, 8);
  return `tfjs_binding-${packageVersion(TFJS_NODE)}-${hash}.node`;
}

/**
 * Compiles the package's binding and our own operations against the libraries in `dir` (libtensorflow_cc.so.2,
 * libtensorflow_framework.so.2, include/) into a file there. node-gyp isn't needed: it is three C++ files and Node's stable C headers.
 */
export async function buildAddon(dir: string, output: string, signal?: AbortSignal): Promise<void> {
  const binding = join(dirname(require.resolve(`${TFJS_NODE}/package.json`)), 'binding');
  const { include_dir: nodeHeaders } = require('node-api-headers') as { include_dir: string };
  const compiler = compilerName();
  const result = await runProcess(
    compiler,
    [
      ...['-O3', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8'],
      ...['-I', nodeHeaders, '-I', join(dir, 'include')],
      ...[join(binding, 'tfjs_backend.cc'), join(binding, 'tfjs_binding.cc'), OWN_OPS],
      ...['-o', output],
      ...['-L', dir, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      // The libraries are found beside the addon, wherever the folder is moved.
      '-Wl,-rpath,$ORIGIN',
    ],
    { signal },
  );
  if (result.missing) throw compilerMissing();
  if (result.code !== 0) {
    throw new RethinkError(
      'failed',
      `${compiler} couldn't build TensorFlow's addon: ${firstError(result.stderr)}`,
      {
        hint: 'A g++ of version 8 or later is needed.',
        cause: new Error(result.stderr),
      },
    );
  }
}

/** Whether a C++ compiler is there, and which. */
export async function compilerVersion(): Promise<string | undefined> {
  const { code, stdout } = await runProcess(compilerName(), ['--version']);
  return code === 0 ? stdout.split('\n')[0] : undefined;
}

/** The error of a machine without a C++ compiler. */
export function compilerMissing(): RethinkError {
  return new RethinkError(
    'failed',
    `The C++ compiler ${compilerName()} wasn't found; it builds TensorFlow's addon.`,
    {
      hint: 'Install one (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++), or name yours in CXX.',
    },
  );
}

function compilerName(): string {
  return process.env.CXX || 'g++';
}

function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return (
    lines.find((line) => /error:|undefined reference/.test(line)) ?? lines.at(-1) ?? 'no message'
  );
}
