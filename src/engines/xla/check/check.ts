import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RethinkError } from '../../../errors.js';
import { sizeOf } from '../../../shape.js';
import type { CheckRequest, ProgramCompiler, ProgramPart, StepCost } from '../../kind.js';
import type { Graph } from '../../trace/graph.js';
import { traceEval, traceTrain } from '../../trace/trace.js';
import type { Program } from '../../types.js';
import { type Compilation, compilationFor } from '../compilation.js';
import { type LoopSpec, lowerLoop } from '../lower/loop.js';
import { PjrtApi } from '../pjrt/api.js';
import { compileOptions } from '../pjrt/compile-options.js';
import { Topology } from '../pjrt/topology.js';
import { findPlugins, type XlaPlugin } from '../plugin.js';
import { evalLoop, trainLoop } from '../step-loops.js';
import { parseHlo } from './hlo.js';
import { stepCost } from './kernels.js';
import { type GpuTargetName, targetConfig } from './targets.js';

/** Without a device there is nothing to try kernels on: XLA takes those that it thinks best, in a third of the time. */
const NO_TRIALS = { xla_gpu_autotune_level: '0' };

/** Both programs of a training, as loops over traced steps. */
const LOOPS: Record<ProgramPart, (program: Program, prepare: Compilation['prepare']) => LoopSpec> =
  {
    train: (program, prepare) => trainLoop(prepare(traceTrain(program)), program),
    evaluate: (program, prepare) => evalLoop(prepare(traceEval(program)), program, false),
  };

/** Compiles for a GPU that needn't be there: it takes XLA's CUDA plugin and ptxas, and no driver. */
export async function openTarget(
  target: GpuTargetName,
  request: Pick<CheckRequest, 'precision' | 'deterministic'>,
): Promise<ProgramCompiler> {
  const plugin = await cudaPlugin(target);
  const { target: forms, debug, prepare } = compilationFor(plugin, request);
  const topology = Topology.create(PjrtApi.load(plugin.path), 'cuda', {
    target_config: targetConfig(target),
    topology: '1x1x1',
  });
  return {
    async compile(program, part) {
      const spec = LOOPS[part](program, prepare);
      const text = lowerLoop(spec, forms);
      const from = performance.now();
      const { result: memory, hlo } = await withDump((dump) =>
        topology.compile(text, compileOptions({ ...debug, ...NO_TRIALS, ...dump })),
      );
      return {
        seconds: (performance.now() - from) / 1000,
        memory,
        donated: spec.carried.length === 0 ? null : memory.aliased >= carriedBytes(spec),
        cost: hlo === null ? null : costOf(hlo, spec.graph),
        text: hlo,
      };
    },
    close: () => topology.close(),
  };
}

async function cudaPlugin(target: GpuTargetName): Promise<XlaPlugin> {
  const found = (await findPlugins()).find(({ platform }) => platform === 'cuda');
  const install = 'Install it, which needs no driver: rethink-gen engine install xla --cuda13';
  if (found === undefined) {
    throw new RethinkError(
      'failed',
      `Compiling for the target ${target} takes XLA's CUDA plugin, which isn't installed.`,
      { hint: install },
    );
  }
  if (found.cudaDir === undefined && !/xla_gpu_cuda_data_dir/.test(process.env.XLA_FLAGS ?? '')) {
    throw new RethinkError(
      'failed',
      `Compiling for the target ${target} takes ptxas, and there is none with the plugin ${found.path}.`,
      { hint: install },
    );
  }
  return found;
}

/** What the compiler made of a program, as text, beside what `compile` returns; `null` where it shows nothing. */
async function withDump<T>(
  compile: (dump: Record<string, boolean | string>) => Promise<T>,
): Promise<{ result: T; hlo: string | null }> {
  const folder = await mkdtemp(join(tmpdir(), 'rethink-gen-hlo-'));
  try {
    const result = await compile({ xla_dump_to: folder, xla_dump_hlo_as_text: true });
    const file = (await readdir(folder)).find((name) => name.endsWith('after_optimizations.txt'));
    return { result, hlo: file ? await readFile(join(folder, file), 'utf8') : null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
