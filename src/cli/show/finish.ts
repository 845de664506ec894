import { RethinkError } from '../../errors.js';
import { isTheoryResult, type TheoryResult } from '../../results/theory.js';
import type { RunResult } from '../../results/training.js';
import type { CliContext } from '../context.js';
import type { OutputOptions } from '../options.js';
import { reportError } from './errors.js';
import { type Expectation, unmet } from './expect.js';
import type { TrialResult } from './results.js';
import { shownPath } from './table.js';

/**
 * Says how to go on after an interruption.
 *
 * @param last The run as far as it came; before it trained, what it was at, if that is known.
 */
export function printInterrupted(
  last: { result: RunResult | TheoryResult; runDir: string } | string | undefined,
  { stderr }: CliContext,
): void {
  if (typeof last === 'object' && last.result.outcome === 'interrupted') {
    const { epochs, steps } = last.result;
    stderr.write(`Interrupted after epoch ${epochs}, step ${steps}; a checkpoint is written.\n`);
    stderr.write(`Go on with: rethink-gen resume ${shownPath(last.runDir)}\n`);
  } else {
    const sentence = typeof last === 'string' ? last : 'Interrupted before training began.';
    stderr.write(`${sentence}\n`);
  }
}

/** What to do next with what was run: not where a program reads along. */
export function printNext(directory: string, options: OutputOptions, { stderr }: CliContext): void {
  if (options.json || options.quiet) return;
  stderr.write(`Figures and tables of it: rethink-gen report ${shownPath(directory)}\n`);
}

/**
 * The exit code of runs that came to an end, with a sentence on stderr for whatever is not as it should be. In a sweep,
 * 'diverged' is a result; an expectation must hold in every trial.
 */
export function runExitCode(
  results: readonly TrialResult[],
  isSweep: boolean,
  expectations: readonly Expectation[],
  context: CliContext,
): number {
  const [only] = results;
  if (!isSweep && only?.result.outcome === 'diverged') return endedCode(only.result, context);
  const complaints = results.flatMap(({ trial, result }) =>
    unmet(expectations, isTheoryResult(result) ? result : (result.last ?? null)).map((text) =>
      isSweep ? `${trial.label}: ${text}` : text,
    ),
  );
  for (const text of complaints) reportError(new RethinkError('failed', text), context);
  return complaints.length > 0 ? 1 : 0;
}

/** The exit code of a run that is not part of a sweep: one that diverged is an error. */
export function endedCode(result: RunResult | TheoryResult, context: CliContext): number {
  if (result.outcome !== 'diverged') return 0;
  const message = `Training diverged at step ${result.diverged_at}: the loss or its gradient is not finite.`;
  const hint = 'A smaller train.learningRate often helps.';
  return reportError(new RethinkError('diverged', message, { hint }), context);
}
