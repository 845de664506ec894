import type { EngineName } from '../config/engines.js';
import { MODELS, type ModelName } from '../config/models.js';
import type { EngineStatus } from '../engines/kind.js';
import { ENGINE_KINDS } from '../engines/table.js';
import type { EngineOptions } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import type { BenchCase, Effort } from './types.js';

export interface BenchRequest extends Effort {
  models: ModelName[];
  /** `undefined`: all that are usable here. */
  engines?: EngineName[] | undefined;
  precisions: EngineOptions['precision'][];
  eager: boolean;
  batchSize: number;
  threads?: number | undefined;
  device: number;
  devices?: EngineOptions['devices'];
}

/**
 * The cases of a request, model by model. Of engines that were not asked for by name, what they can't do or what would
 * take hours is left out; an engine that was named is measured, or says itself why not.
 *
 * @param installed The engines of this machine.
 * @throws RethinkError (`usage`) where nothing is left to measure.
 */
export function planCases(request: BenchRequest, installed: EngineStatus[]): BenchCase[] {
  const named = request.engines !== undefined;
  const { models, precisions, eager, threads, batchSize, seconds, rounds } = request;
  const { device, devices } = request;
  // Each engine once, whatever variants it has.
  const usable = installed.filter(({ problem }) => problem === null).map(({ name }) => name);
  const engines = request.engines ?? [...new Set(usable)];
  const cases = models
    .flatMap((model) =>
      engines.flatMap((name) =>
        precisions.map((precision) => ({
          model,
          engine: { name, precision, threads, device, devices, eager, deterministic: false },
          batchSize,
          seconds,
          rounds,
        })),
      ),
    )
    .filter((bench) => named || isSensible(bench));
  if (cases.length > 0) return cases;
  throw new RethinkError('usage', 'None of the engines that are usable here can measure that.', {
    hint: 'rethink-gen engine list shows what there is and how to get more; name one with --engine.',
  });
}

function isSensible({ model, engine }: BenchCase): boolean {
  const { auto, unsupported } = ENGINE_KINDS[engine.name];
  // A long step takes minutes on a slow engine.
  return unsupported(engine) === undefined && (auto !== 'last' || MODELS[model].shortSteps);
}
