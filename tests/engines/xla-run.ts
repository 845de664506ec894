import type { Graph } from '../../src/engines/trace/graph.js';
import { LOWERINGS, lowerModule } from '../../src/engines/xla/lower/function.js';
import { CPU_TARGET, GPU_TARGET } from '../../src/engines/xla/lower/target.js';
import { elementType } from '../../src/engines/xla/lower/text.js';
import type { HostArray } from '../../src/engines/xla/pjrt/buffer.js';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { compileOptions } from '../../src/engines/xla/pjrt/compile-options.js';
import type { Lowering, TestInput } from './lowering/lowering.js';

const TARGETS = { 'CPU forms': CPU_TARGET, 'GPU forms': GPU_TARGET };

/** The lowering to StableHLO, on the client's device. */
export function xlaLowering(client: () => PjrtClient): Lowering {
  return {
    ops: LOWERINGS,
    forms: ['CPU forms', 'GPU forms'],
    sumsInFloat32: true,
    noBfloat16: '',
    run: (graph, inputs, form) => runGraph(client(), graph, inputs, form as keyof typeof TARGETS),
  };
}

async function runGraph(
  client: PjrtClient,
  graph: Graph,
  inputs: readonly TestInput[],
  form: keyof typeof TARGETS,
): Promise<HostArray[]> {
  const executable = await client.compile(lowerModule(graph, TARGETS[form]), compileOptions());
  const buffers = await Promise.all(
    inputs.map(({ data, shape, dtype }) => client.upload(data, shape, elementType(dtype))),
  );
  const specs = [...graph.outputs.values()].map(({ shape, dtype }) => ({
    shape,
    type: elementType(dtype),
  }));
  const outputs = await executable.execute(buffers, specs, 'testing');
  const arrays = await Promise.all(outputs.map((buffer) => buffer.toHost()));
  for (const resource of [...buffers, ...outputs, executable]) resource.destroy();
  return arrays;
}
