import { MODELS } from '../config/models.js';
import { createEngine, type EngineContext } from '../engines/index.js';
import { parameterCount } from '../models/index.js';
import { timeEvaluation } from './evaluation.js';
import { countArithmetic } from './flops.js';
import { timeTraining } from './training.js';
import type { BenchCase, Measurement } from './types.js';
import { makeWorkload, type Workload } from './workload.js';

/**
 * Measures one case in this process. Its peak memory is the process's own, so a process should measure one case only.
 *
 * @throws RethinkError: `usage` for what the engine doesn't know, `failed` where it can't be had.
 */
export async function measureCase(bench: BenchCase, context: EngineContext): Promise<Measurement> {
  const engine = await createEngine(bench.engine, {
    ...context,
    shortSteps: MODELS[bench.model].shortSteps,
  });
  // After the engine: it has threads, which nobody would end where there is none.
  const workload = makeWorkload(bench.model, bench.batchSize);
  try {
    const start = performance.now();
    const session = await engine.load(workload.program, workload.state);
    const loadSeconds = (performance.now() - start) / 1000;
    try {
      const training = await timeTraining(session, workload, bench);
      const evaluation = await timeEvaluation(session, workload, {
        ...bench,
        seconds: bench.seconds / 4,
      });
      return report(bench, workload, {
        engine: engine.info,
        train_rounds: training.rates,
        evaluate_rounds: evaluation,
        ready: loadSeconds + training.firstCallSeconds,
      });
    } finally {
      session.dispose();
    }
  } finally {
    engine.dispose();
    workload.batches.dispose();
  }
}

interface Timed extends Pick<Measurement, 'engine' | 'train_rounds' | 'evaluate_rounds'> {
  /** Seconds from handing over the program to the end of the first step. */
  ready: number;
}

function report(bench: BenchCase, workload: Workload, { ready, ...timed }: Timed): Measurement {
  // Not before everything is measured: tracing leaves garbage that would count as the engine's memory.
  const peak = process.resourceUsage().maxRSS * 1024;
  const { evaluate, train } = countArithmetic(workload.program);
  const rate = median(timed.train_rounds);
  return {
    model: bench.model,
    parameters: parameterCount(workload.model),
    engine: timed.engine,
    batch_size: bench.batchSize,
    train_images_per_second: rate,
    train_rounds: timed.train_rounds,
    evaluate_images_per_second: median(timed.evaluate_rounds),
    evaluate_rounds: timed.evaluate_rounds,
    compile_seconds: Math.max(0, ready - bench.batchSize / rate),
    peak_rss_bytes: peak,
    evaluate_gflop_per_image: evaluate / 1e9,
    train_gflop_per_image: train / 1e9,
    train_gflop_per_second: (rate * train) / 1e9,
  };
}

/** The middle of some numbers (of an even count, the mean of the two in the middle); NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const lower = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  return (lower + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}
