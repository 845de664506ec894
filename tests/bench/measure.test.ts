import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { median } from '../../src/bench/median.js';
import { measureInChild } from '../../src/bench/process.js';
import { timeTraining } from '../../src/bench/training.js';
import type { BenchCase } from '../../src/bench/types.js';
import { makeWorkload } from '../../src/bench/workload.js';
import type { Session, StepMetrics } from '../../src/engines/types.js';
import { bundle } from '../helpers/child.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const WASM: BenchCase = {
  model: 'mlp',
  engine: { name: 'wasm', precision: 'float32', device: 0, eager: false, deterministic: false },
  batchSize: 4,
  seconds: 0.05,
  rounds: 3,
};

/** A session that computes nothing, and what it was asked for. */
function fakeSession(finite: 0 | 1): { session: Session; calls: number[] } {
  const calls: number[] = [];
  const session: Session = {
    async runSteps({ steps, images }): Promise<StepMetrics> {
      expect(images.length).toBe(steps * 4 * 28 * 28 * 3);
      calls.push(steps);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return {
        loss: new Float32Array(steps),
        correct: new Int32Array(steps),
        finite: new Uint8Array(steps).fill(finite),
      };
    },
    evalChunk: () => Promise.reject(new Error('not evaluated')),
    getState: async () => ({}),
    setState: async () => {},
    dispose() {},
  };
  return { session, calls };
}

describe('timeTraining', () => {
  it('fills its rounds with the chunks of a run', async () => {
    const { session, calls } = fakeSession(1);
    const workload = makeWorkload('mlp', 4);
    const { rates, firstCallSeconds } = await timeTraining(session, workload, WASM);
    expect(rates).toHaveLength(3);
    expect(rates.every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
    expect(firstCallSeconds).toBeGreaterThan(0);
    expect(calls[0]).toBe(1);
    expect(calls).toContain(workload.batches.stepsPerEpoch);
    expect(calls.every((steps) => Number.isInteger(Math.log2(steps)))).toBe(true);
  });

  it('reports a step that is not finite', async () => {
    const { session } = fakeSession(0);
    await expect(timeTraining(session, makeWorkload('mlp', 4), WASM)).rejects.toThrow(
      'Step 1 of the benchmark was not finite.',
    );
  });
});

describe('measureInChild', () => {
  it('measures in a process of its own', async () => {
    const { script, remove } = await bundle('src/bench/child.ts');
    const notes: string[] = [];
    try {
      const result = await measureInChild(
        WASM,
        { note: (text) => notes.push(text) },
        { child: script },
      );
      expect(result).toMatchObject({
        model: 'mlp',
        parameters: 1_209_866,
        batch_size: 4,
        engine: { name: 'wasm', mode: 'eager' },
        train_gflop_per_image: 0.004847616,
      });
      expect(result.train_rounds).toHaveLength(3);
      expect(result.train_images_per_second).toBe(median(result.train_rounds));
      expect(result.evaluate_images_per_second).toBeGreaterThan(0);
      expect(result.train_gflop_per_second).toBeCloseTo(
        result.train_images_per_second * result.train_gflop_per_image,
      );
      expect(result.compile_seconds).toBeGreaterThanOrEqual(0);
      expect(result.peak_rss_bytes).toBeGreaterThan(50e6);
      expect(notes).toEqual([expect.stringContaining('Engine wasm')]);
      const bfloat16 = { ...WASM, engine: { ...WASM.engine, precision: 'bfloat16' as const } };
      await expect(measureInChild(bfloat16, {}, { child: script })).rejects.toMatchObject({
        kind: 'usage',
        message: "engine.precision bfloat16 isn't known to the engine wasm.",
        hint: 'Use engine.precision=float32.',
      });
    } finally {
      await remove();
    }
  });

  it.each([
    ['stepping', 'A step'],
    ['compiling', 'Compiling and the first step'],
  ])('gives up one whose %s takes too long, in a sentence', async (stage, what) => {
    const script = join(temporaryFolder(), 'slow.mjs');
    // As in a native call: this process can't tell any more, nor end by itself.
    writeFileSync(script, `process.send({ at: '${stage}' }, () => { for (;;); });`);
    const longest = { compiling: 0.2, stepping: 0.2, evaluating: Number.POSITIVE_INFINITY };
    await expect(measureInChild(WASM, {}, { child: script, longest })).rejects.toMatchObject({
      kind: 'failed',
      message: `${what} of mlp on wasm took more than 1 s: given up.`,
    });
  });

  it('is interrupted at once, and its process with it', async () => {
    const script = join(temporaryFolder(), 'busy.mjs');
    writeFileSync(script, 'process.send({ note: String(process.pid) }, () => { for (;;); });');
    const controller = new AbortController();
    let pid = 0;
    const note = (text: string) => {
      pid = Number(text);
      controller.abort();
    };
    const { signal } = controller;
    await expect(measureInChild(WASM, { note, signal }, { child: script })).rejects.toMatchObject({
      kind: 'interrupted',
      message: 'Interrupted while measuring mlp on wasm.',
    });
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
  });

  it('is interrupted, too, where a terminal sends the signal to its process alone', async () => {
    const script = join(temporaryFolder(), 'ends.mjs');
    writeFileSync(script, "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000);");
    await expect(measureInChild(WASM, {}, { child: script })).rejects.toMatchObject({
      kind: 'interrupted',
    });
  });

  it('says how a process died', async () => {
    const script = join(temporaryFolder(), 'dies.mjs');
    writeFileSync(script, 'process.exit(3)');
    await expect(measureInChild(WASM, {}, { child: script })).rejects.toMatchObject({
      kind: 'failed',
      message: 'Measuring mlp on wasm ended with exit code 3.',
    });
    writeFileSync(script, 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)');
    await expect(measureInChild(WASM, {}, { child: script })).rejects.toThrow(
      /ended with SIGKILL\.$/,
    );
  });
});

describe('median', () => {
  it('is the middle, or between the two in the middle', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5])]).toEqual([2, 2.5, 5]);
    expect(median([])).toBeNaN();
  });
});
