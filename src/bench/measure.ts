import { MODELS } from '../config/models.js';
import { createEngine, type EngineContext } from '../engines/index.js';
import { parameterCount } from '../models/index.js';
import { timeEvaluation } from './evaluation.js';
import { countArithmetic } from './flops.js';
import { median } from './median.js';
import { timeTraining } from './training.js';
import type { BenchCase, Measurement, Stage } from './types.js';
import { makeWorkload } from './workload.js';

/**
 * Measures one case in this process. Its peak memory is the process's own, so a process should measure one case only.
 *
 * @param at Told what it is at.
 * @throws RethinkError: `usage` for what the engine doesn't know, `failed` where it can't be had.
 */
export async function measureCase(
  bench: BenchCase,
  context: EngineContext,
  at: (stage: Stage) => void = () => {},
): Promise<Measurement> {
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
      at(engine.info.mode === 'compiled' ? 'compiling' : 'stepping');
      const { rates, firstCallSeconds } = await timeTraining(session, workload, bench, () =>
        at('stepping'),
      );
      at('evaluating');
      const quarter = { ...bench, seconds: bench.seconds / 4 };
      const evaluateRates = await timeEvaluation(session, workload, quarter);
      // Not before everything is measured: tracing leaves garbage that would count as the engine's memory.
      const peak = process.resourceUsage().maxRSS * 1024;
      const { evaluate, train } = countArithmetic(workload.program);
      const rate = median(rates);
      // From handing over the program to the end of the first step.
      const ready = loadSeconds + firstCallSeconds;
      return {
        model: bench.model,
        parameters: parameterCount(workload.model),
        engine: engine.info,
        batch_size: bench.batchSize,
        train_images_per_second: rate,
        train_rounds: rates,
        evaluate_images_per_second: median(evaluateRates),
        evaluate_rounds: evaluateRates,
        compile_seconds: Math.max(0, ready - bench.batchSize / rate),
        peak_rss_bytes: peak,
        evaluate_gflop_per_image: evaluate / 1e9,
        train_gflop_per_image: train / 1e9,
        train_gflop_per_second: (rate * train) / 1e9,
      };
    } finally {
      session.dispose();
    }
  } finally {
    engine.dispose();
    workload.batches.dispose();
  }
}
