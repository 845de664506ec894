import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RethinkError } from '../../../errors.js';
import { narrowToGpus } from '../../../machine/gpu.js';
import { sizeOf } from '../../../shape.js';
import { requireEqualShares } from '../../devices.js';
import type {
  CheckRequest,
  MemoryUse,
  ProgramCompiler,
  ProgramPart,
  StepCost,
} from '../../kind.js';
import type { Graph } from '../../trace/graph.js';
import { traceEval, traceTrain } from '../../trace/trace.js';
import type { Program } from '../../types.js';
import { type Compilation, compilationFor } from '../compilation.js';
import { requireDevices } from '../devices.js';
import { lowerLoop } from '../lower/loop.js';
import type { LoopSpec } from '../lower/signature.js';
import { obtainPlugin } from '../obtain.js';
import { PjrtApi } from '../pjrt/api.js';
import { PjrtClient } from '../pjrt/client.js';
import { compileOptions, type DebugOptions } from '../pjrt/compile-options.js';
import { explained, isKnown } from '../pjrt/probe.js';
import { Topology } from '../pjrt/topology.js';
import { PLATFORMS, requireHardware } from '../platforms.js';
import { findPlugins, pluginAt, type XlaPlugin } from '../plugin.js';
import { evalLoop, trainLoop, withSharedEvaluation } from '../step-loops.js';
import { parseHlo } from './hlo.js';
import { stepCost } from './kernels.js';
import { refusedOperations } from './refused.js';
import { type GpuTargetName, targetConfig } from './targets.js';

/** Without a device there is nothing to try kernels on: XLA takes those that it thinks best, in a third of the time. */
const NO_TRIALS = { xla_gpu_autotune_level: '0' };

/** Both programs of a training, as loops over traced steps. */
const LOOPS: Record<
  ProgramPart,
  (program: Program, prepare: Compilation['prepare'], devices: number) => LoopSpec
> = {
  train: (program, prepare, devices) => trainLoop(prepare(traceTrain(program)), program, devices),
  evaluate: (program, prepare, devices) => {
    const shared = withSharedEvaluation(program, devices);
    return evalLoop(prepare(traceEval(shared)), shared, false, devices);
  },
};

type Settings = Pick<CheckRequest, 'precision' | 'deterministic' | 'devices'>;

/** Compiles StableHLO text, and says what memory the program takes; `null` where the plugin doesn't tell. */
type Compile = (text: string, debug: DebugOptions) => Promise<MemoryUse | null>;

/**
 * Compiles for a GPU that needn't be there: it takes XLA's CUDA plugin and ptxas, and no driver.
 *
 * @param path of the plugin; default: one that is found here
 */
export async function openTarget(
  target: GpuTargetName,
  path: string | undefined,
  settings: Settings,
): Promise<ProgramCompiler> {
  const plugin = await cudaPlugin(target, path);
  const topology = Topology.create(PjrtApi.load(plugin.path), 'cuda', {
    target_config: targetConfig(target),
    topology: `1x1x${settings.devices}`,
  });
  const ids = Array.from({ length: settings.devices }, (_, id) => id);
  const compile: Compile = (text, debug) =>
    topology.compile(text, compileOptions({ ...debug, ...NO_TRIALS }, ids));
  return compiler(plugin, settings, compile, () => topology.close());
}

/** Compiles for the device of this machine. @param path of the plugin; default: the one that a run would take */
export async function openDevice(
  path: string | undefined,
  settings: Settings,
): Promise<ProgramCompiler> {
  const plugin =
    path === undefined
      ? await obtainPlugin({ allowInstall: false })
      : await pluginAt(path, '--plugin');
  const { devices } = settings;
  requireHardware(plugin.platform, plugin.path);
  if (plugin.platform === 'cuda') await narrowToGpus(0, devices);
  const options = PLATFORMS[plugin.platform].options();
  const client = await PjrtClient.create(plugin.path, options, devices);
  try {
    requireDevices(client, plugin, { device: 0, devices });
  } catch (error) {
    client.close();
    throw error;
  }
  const compile: Compile = async (text, debug) => {
    const executable = await client.compile(text, compileOptions(debug, client.deviceIds));
    try {
      return executable.memoryUse();
    } finally {
      executable.destroy();
    }
  };
  return compiler(plugin, settings, compile, () => client.close());
}

function compiler(
  plugin: XlaPlugin,
  settings: Settings,
  compile: Compile,
  close: () => void,
): ProgramCompiler {
  const { target, debug, prepare } = compilationFor(plugin, settings);
  const withText = PLATFORMS[plugin.platform].kernels ? withDump : withoutDump;
  return {
    async compile(program, part) {
      requireEqualShares(settings, program);
      const spec = LOOPS[part](program, prepare, settings.devices);
      const text = lowerLoop(spec, target);
      const from = performance.now();
      try {
        const { result: memory, hlo } = await withText((dump) =>
          compile(text, { ...debug, ...dump }),
        );
        const seconds = (performance.now() - from) / 1000;
        const replaced = spec.carried.length > 0 && memory !== null;
        return {
          seconds,
          memory,
          donated: replaced ? memory.aliased >= carriedBytes(spec) : null,
          cost: hlo === null ? null : costOf(hlo, spec.graph),
          text: hlo,
        };
      } catch (failed) {
        const one = (text: string) => compile(text, debug);
        const error = await explained(failed, one);
        if (!(error instanceof RethinkError) || isKnown(error)) throw error;
        const refused = await refusedOperations(spec.graph, target, one);
        if (refused.length === 0) throw error;
        const what = refused.map(({ op, why }) => `${op} (${why})`).join('; ');
        throw new RethinkError('failed', `The plugin refuses operations: ${what}.`, {
          hint: 'Use a plugin of another version, or another engine.',
          cause: error,
        });
      }
    },
    close,
  };
}

async function cudaPlugin(target: GpuTargetName, path: string | undefined): Promise<XlaPlugin> {
  const plugins = path === undefined ? await findPlugins() : [await pluginAt(path, '--plugin')];
  const found = plugins.find(({ platform }) => platform === 'cuda');
  if (found !== undefined) return found;
  const [named] = plugins.filter((plugin) => plugin.named);
  throw new RethinkError(
    'failed',
    `Compiling for the target ${target} takes XLA's CUDA plugin, ${named === undefined ? "which isn't installed" : `and ${named.path} is another`}.`,
    { hint: 'Install it, which takes no driver: rethink-gen engine install xla --cuda13' },
  );
}

interface Shown<T> {
  result: T;
  /** What the compiler made of a program, as text; `null` where it shows nothing. */
  hlo: string | null;
}

async function withDump<T>(compile: (dump: DebugOptions) => Promise<T>): Promise<Shown<T>> {
  const folder = await mkdtemp(join(tmpdir(), 'rethink-gen-hlo-'));
  try {
    const result = await compile({ xla_dump_to: folder, xla_dump_hlo_as_text: true });
    const files = await readdir(folder);
    const file = files.find((name) => name.endsWith('gpu_after_optimizations.txt'));
    return { result, hlo: file ? await readFile(join(folder, file), 'utf8') : null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of a CPU, whose steps are no kernels, and of compilers that needn't be XLA. */
async function withoutDump<T>(compile: (dump: DebugOptions) => Promise<T>): Promise<Shown<T>> {
  return { result: await compile({}), hlo: null };
}

/** @param graph the step: what isn't as large as a tensor of its state is an activation */
function costOf(hlo: string, graph: Graph): StepCost {
  const state = [...graph.inputs].filter(([name]) => name.startsWith('state/'));
  const sizes = new Set(state.map(([, { shape }]) => sizeOf(shape)));
  try {
    return stepCost(parseHlo(hlo), (elements) => sizes.has(elements));
  } catch (cause) {
    throw new RethinkError(
      'failed',
      `What XLA writes of the compiled program can't be read: ${messageOf(cause)}.`,
      { hint: 'This version of XLA writes it otherwise than those that are installed by default.' },
    );
  }
}

function carriedBytes({ graph, carried }: LoopSpec): number {
  const FLOAT_BYTES = 4;
  return carried.reduce(
    (sum, name) => sum + FLOAT_BYTES * sizeOf(graph.inputs.get(name)!.shape),
    0,
  );
}
