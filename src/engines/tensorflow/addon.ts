import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../disk/digest.js';
import { RethinkError } from '../../errors.js';
import { runProcess } from '../../machine/process.js';
import { packageVersion } from '../../version.js';

const require = createRequire(import.meta.url);

/** What scripts/vendor.mjs takes from @tensorflow/tfjs-node-gpu, which is the same code as tfjs-node for CPUs. */
interface TfjsNode {
  /** Makes the tfjs backend `tensorflow` exist, on the addon at this path, and the current one. */
  register(addon: string): void;
}

/** The backend's JavaScript; it is loaded by the first call. */
export function tfjsNode(): TfjsNode {
  return require('#tfjs-node') as TfjsNode;
}

/** Operations of our own for TensorFlow: compiled into the addon. */
const OWN_OPS = fileURLToPath(new URL('../../../src/engines/tensorflow/ops.cc', import.meta.url));

/** Name of the addon's file: it belongs to its sources, and N-API makes it serve every Node. */
export function addonName(): string {
  const hash = sha256(readFileSync(OWN_OPS)).slice(0, 8);
  return `tfjs_binding-${packageVersion('@tensorflow/tfjs-node-gpu')}-${hash}.node`;
}

/**
 * Compiles the package's binding and our own operations against the libraries in `dir` (libtensorflow_cc.so.2,
 * libtensorflow_framework.so.2, include/) into a file there. node-gyp isn't needed: it is three C++ files and Node's stable C headers.
 */
export async function buildAddon(dir: string, output: string, signal?: AbortSignal): Promise<void> {
  const vendored = dirname(require.resolve('#tfjs-node'));
  const binding = join(vendored, 'binding');
  const compiler = compilerName();
  const result = await runProcess(
    compiler,
    [
      ...['-O3', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8'],
      ...['-I', join(vendored, 'include'), '-I', join(dir, 'include')],
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

/** How a person gets a C++ compiler. */
export const HOW_TO_GET_COMPILER =
  'Install a C++ compiler (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++), or name yours in CXX';

/** The error of a machine without a C++ compiler. */
export function compilerMissing(): RethinkError {
  return new RethinkError(
    'failed',
    `The C++ compiler ${compilerName()} wasn't found; it builds TensorFlow's addon.`,
    { hint: `${HOW_TO_GET_COMPILER}.` },
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
