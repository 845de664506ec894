import { describe, expect, it } from 'vitest';
import { checkPrograms } from '../../src/bench/check.js';
import { makeTrainee } from '../../src/bench/workload.js';
import { optimize } from '../../src/engines/trace/passes/index.js';
import { traceTrain } from '../../src/engines/trace/trace.js';
import { refusedOperations } from '../../src/engines/xla/check/refused.js';
import { xla } from '../../src/engines/xla/entry.js';
import { CPU_TARGET } from '../../src/engines/xla/lower/target.js';
import { compileOptions } from '../../src/engines/xla/pjrt/compile-options.js';
import { pjrtError } from '../../src/engines/xla/pjrt/errors.js';
import { explained } from '../../src/engines/xla/pjrt/probe.js';
import { cpuClient, cpuPlugin } from './xla-plugin.js';

const { plugin, reason } = await cpuPlugin();
const PLAN = {
  models: ['mlp'],
  precisions: ['float32'],
  deterministic: false,
  devices: 1,
  batchSize: 8,
} as const;

describe.skipIf(!plugin)(`checking with a plugin${reason}`, { timeout: 120_000 }, () => {
  it('compiles both programs for the device of this machine', async () => {
    const outcomes = [];
    const plan = { ...PLAN, targets: [], plugin: plugin!.path };
    for await (const outcome of checkPrograms(xla.check!, plan)) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { target: 'this machine', part: 'train', compiled: { donated: true, cost: null } },
      { target: 'this machine', part: 'evaluate', compiled: { donated: null, cost: null } },
    ]);
  });

  it('says that a plugin for another device can compile for no GPU', async () => {
    const plan = { ...PLAN, targets: ['h200'], plugin: plugin!.path };
    await expect(checkPrograms(xla.check!, plan).next()).rejects.toThrow(
      `Compiling for the target h200 takes XLA's CUDA plugin, and ${plugin!.path} is another.`,
    );
    const absent = { ...plan, plugin: '/no/such.so' };
    await expect(checkPrograms(xla.check!, absent).next()).rejects.toThrow("'/no/such.so'");
  });
});

describe('operations that a plugin refuses', () => {
  const graph = optimize(traceTrain(makeTrainee('mlp', 8, 8).program), 'float32');

  it('are found one by one, each kind once, with what the plugin says', async () => {
    const seen: string[] = [];
    const refused = await refusedOperations(graph, CPU_TARGET, async (text) => {
      seen.push(text);
      if (text.includes('stablehlo.dot_general')) {
        throw pjrtError('compiling', 12, 'no products here\n*** stack ***');
      }
    });
    expect(refused.length).toBeGreaterThan(0);
    for (const { op, why } of refused) {
      expect(op).toMatch(/^matMul of float32\[/);
      expect(why).toBe('no products here');
    }
    // Each is a whole program of one operation.
    expect(new Set(seen).size).toBe(seen.length);
    for (const text of seen) expect(text).toMatch(/^module @program \{\nfunc.func public @main\(/);
    expect(await refusedOperations(graph, CPU_TARGET, async () => undefined)).toEqual([]);
    // Where nothing compiles, it isn't the operations; nor where something is missing that some of them take.
    const nothing = async () => Promise.reject(pjrtError('compiling', 12, 'no'));
    expect(await refusedOperations(graph, CPU_TARGET, nothing)).toEqual([]);
    const lacking = async (text: string) => {
      if (text.includes('sqrt')) throw pjrtError('compiling', 9, 'libdevice not found at ./x.bc');
    };
    expect(await refusedOperations(graph, CPU_TARGET, lacking)).toEqual([]);
  });
});

describe('why a program is not compiled', () => {
  const vague = pjrtError('compiling', 13, 'No supported config found for HLO: gemm_fusion');
  const noPtxas = pjrtError('compiling', 9, 'No PTX compilation provider. Neither ptxas nor …');

  it('is what the simplest program fails of, where that is known', async () => {
    const probed: string[] = [];
    const failing = (error: Error) => async (text: string) => {
      probed.push(text);
      throw error;
    };
    expect(await explained(vague, failing(noPtxas))).toBe(noPtxas);
    expect(probed.join()).toContain('func.func public @main');
    // Otherwise it is what was said of the program itself.
    expect(await explained(vague, async () => undefined)).toBe(vague);
    expect(await explained(vague, failing(vague))).toBe(vague);
  });

  it('is not asked for where it is known, or a bug', async () => {
    const never = async () => {
      throw new Error('asked');
    };
    const bug = new TypeError('a bug');
    expect(await explained(noPtxas, never)).toBe(noPtxas);
    expect(await explained(bug, never)).toBe(bug);
  });

  it.skipIf(!plugin)(`is asked for with a program that compiles${reason}`, async () => {
    const client = await cpuClient(plugin);
    const error = await explained(vague, async (text) =>
      (await client.compile(text, compileOptions())).destroy(),
    );
    client.close();
    expect(error).toBe(vague);
  });
});
