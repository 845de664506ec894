import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RethinkError } from '../../errors.js';
import { processThreads } from '../../machine/machine.js';
import { openLibrary } from '../native/library.js';
import { withQuietStderr } from '../native/quiet.js';
import { tfjsNode } from './addon.js';
import { deviceTypes, openCApi } from './c-api.js';
import { preloadCuda } from './cuda.js';
import type { Installation } from './installation.js';
import { registerKernels } from './kernels.js';

export interface LoadOptions {
  threads?: number | undefined;
  device: number;
  /** The one that the process was narrowed to; `undefined` for the CPU. */
  gpu: string | undefined;
  deterministic: boolean;
  /** Parts of a short step that run side by side: 2 or more leave each operation fewer threads. */
  parts: number;
  /** Whether tfjs' backend is wanted, which needs the addon. */
  eager: boolean;
}

/** The library, loaded into this process: once, for there is no unloading it. */
export interface Loaded {
  installation: Installation;
  options: LoadOptions;
  /** The driver's number of the GPU it computes on; `undefined` on the CPU. */
  gpu: string | undefined;
  /** TF_ENABLE_ONEDNN_OPTS as it was loaded with. */
  oneDnn: string | undefined;
  /** Whether it has the operations of ops.cc, which are for the CPU. */
  ownOps: boolean;
}

let libraries: Omit<Loaded, 'ownOps'> | undefined;
let hasOps = false;
let hasBackend = false;

/**
 * Loads TensorFlow's libraries and, where it is there, what is needed of the addon: our own operations on the CPU, and
 * with `eager` tfjs' backend `tensorflow`. Settings that the library reads once can't be changed by a second call in the
 * same process: asking for others is an error.
 *
 * @param withAddon whether the installation has its addon; without it `eager` is an error of the caller
 */
export function loadTensorflow(
  installation: Installation,
  options: LoadOptions,
  withAddon: boolean,
): Loaded {
  if (libraries !== undefined) requireSame(libraries.options, options);
  try {
    return withQuietStderr(() => {
      libraries ??= loadLibraries(installation, options);
      const { gpu } = libraries;
      const { addon } = libraries.installation;
      if (withAddon && gpu === undefined && !hasOps) {
        // Its operations register themselves.
        openLibrary(addon, { lazy: true });
        hasOps = true;
      }
      if (options.eager && !hasBackend) {
        tfjsNode().register(addon);
        registerKernels(gpu === undefined ? 'cpu' : 'gpu');
        hasBackend = true;
      }
      return { ...libraries, ownOps: hasOps };
    });
  } catch (cause) {
    if (cause instanceof RethinkError) throw cause;
    throw new RethinkError(
      'failed',
      `TensorFlow in ${installation.dir} can't be loaded: ${messageOf(cause)}.`,
      { hint: 'Install it again: rethink-gen engine install tensorflow --force', cause },
    );
  }
}

function loadLibraries(installation: Installation, options: LoadOptions): Omit<Loaded, 'ownOps'> {
  const cuda = installation.variant === 'cuda';
  setEnvironment(options);
  tf.enableProdMode();
  if (cuda) preloadCuda(installation);
  openCApi(installation.dir);
  return {
    installation,
    options,
    gpu: cuda && deviceTypes().includes('GPU') ? options.gpu : undefined,
    oneDnn: process.env.TF_ENABLE_ONEDNN_OPTS,
  };
}

function requireSame(first: LoadOptions, options: LoadOptions): void {
  const differing = (['threads', 'device', 'deterministic'] as const).find(
    (key) => options[key] !== undefined && options[key] !== first[key],
  );
  if (differing === undefined) return;
  throw new RethinkError(
    'failed',
    `TensorFlow already runs in this process with engine.${differing} ${first[differing] ?? 'unset'}, and can't change to ${options[differing]}.`,
    { hint: 'Use a process of its own for each setting.' },
  );
}

/** What TensorFlow reads from the environment when it is loaded. What the user has set about logging and oneDNN stays. */
function setEnvironment(options: LoadOptions): void {
  const { env } = process;
  env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  // By itself TensorFlow takes oneDNN's kernels only on CPUs with AVX512_VNNI or a later set; with AVX2 alone, Inception and
  // AlexNet then train a third slower. On processors other than x86 its own choice stays.
  if (process.arch === 'x64') env.TF_ENABLE_ONEDNN_OPTS ??= '1';
  if (options.threads !== undefined) {
    env.TF_NUM_INTRAOP_THREADS = String(options.threads);
    env.TF_NUM_INTEROP_THREADS = String(options.threads);
    env.OMP_NUM_THREADS = String(options.threads);
  }
  if (options.parts > 1) {
    // It can't be said for one session: all share the pool of the first.
    const threads = options.threads ?? processThreads();
    env.TF_NUM_INTRAOP_THREADS = String(Math.floor(threads / options.parts));
  }
  if (options.deterministic) {
    env.TF_DETERMINISTIC_OPS = '1';
    env.TF_CUDNN_DETERMINISTIC = '1';
  }
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
}
