import type { Precision } from '../config/engines.js';
import type { ModelName } from '../config/models.js';
import {
  type CompiledPart,
  type EngineChecker,
  PROGRAM_PARTS,
  type ProgramPart,
} from '../engines/kind.js';
import { RethinkError } from '../errors.js';
import { makeTrainee } from './workload.js';

/** What to compile: everything of each list with everything of the others. */
export interface CheckPlan {
  targets: readonly string[];
  models: readonly ModelName[];
  precisions: readonly Precision[];
  deterministic: boolean;
  batchSize: number;
}

export interface CheckCase {
  target: string;
  model: ModelName;
  precision: Precision;
  part: ProgramPart;
}

/** A case that was compiled, or why it was not. */
export type CheckOutcome = CheckCase & ({ compiled: CompiledPart } | { problem: RethinkError });

/** As many as CIFAR-10 has: an evaluation's batches are then as large as they get. */
const EXAMPLES = 50_000;

/**
 * Compiles the programs of runs with default configurations, one after the other, without running them.
 *
 * @throws RethinkError where something is missing that compiling takes.
 */
export async function* checkPrograms(
  checker: EngineChecker,
  { targets, models, precisions, deterministic, batchSize }: CheckPlan,
): AsyncGenerator<CheckOutcome> {
  for (const target of targets) {
    for (const model of models) {
      const { program } = makeTrainee(model, batchSize, EXAMPLES);
      for (const precision of precisions) {
        const compiler = await checker.open({ target, precision, deterministic });
        try {
          for (const part of PROGRAM_PARTS) {
            const one = { target, model, precision, part };
            try {
              yield { ...one, compiled: await compiler.compile(program, part) };
            } catch (error) {
              if (!(error instanceof RethinkError)) throw error;
              yield { ...one, problem: error };
            }
          }
        } finally {
          compiler.close();
        }
      }
    }
  }
}
