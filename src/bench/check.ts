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
  /** Of the checker's; none: the device of this machine. */
  targets: readonly string[];
  /** A library to compile with. */
  plugin?: string | undefined;
  models: readonly ModelName[];
  precisions: readonly Precision[];
  /** Of a target, that share every batch. */
  devices: number;
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

/** What the device of this machine is called among targets. */
const HERE = 'this machine';
/** As many as CIFAR-10 has: an evaluation's batches are then as large as they get. */
const EXAMPLES = 50_000;

/**
 * Compiles the programs of runs with default configurations, one after the other, without running them.
 *
 * @throws RethinkError where something is missing that compiling takes.
 */
export async function* checkPrograms(
  checker: EngineChecker,
  { targets, models, precisions, batchSize, ...how }: CheckPlan,
): AsyncGenerator<CheckOutcome> {
  for (const target of targets.length > 0 ? targets : [undefined]) {
    for (const model of models) {
      const { program } = makeTrainee(model, batchSize, EXAMPLES);
      for (const precision of precisions) {
        const compiler = await checker.open({ plugin: undefined, target, precision, ...how });
        try {
          for (const part of PROGRAM_PARTS) {
            const one = { target: target ?? HERE, model, precision, part };
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
