import { CommanderError } from 'commander';
import { limitError } from '../../disk/limits.js';
import { messageOf, printable, printableLines, RethinkError } from '../../errors.js';
import { type CliContext, isFancy } from '../context.js';
import { OutputLost } from '../watch/signals.js';

const RED = '\u001b[31m';
const RESET = '\u001b[0m';

/**
 * Prints an error as a person should see it, one `error:` and perhaps one `hint:`, and returns the exit code.
 * A stack is for whoever sets DEBUG=rethink-gen.
 */
export function reportError(
  thrown: unknown,
  { stderr, env }: Pick<CliContext, 'stderr' | 'env'>,
): number {
  const error = limitError(thrown) ?? thrown;
  // Commander has printed its own by the time it throws; help and version that were asked for are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof OutputLost) return error.exitCode;
  const label = isFancy(stderr, env) ? `${RED}error:${RESET}` : 'error:';
  const known = error instanceof RethinkError;
  const lines = known
    ? [`${label} ${error.message}`, ...(error.hint ? [`hint: ${error.hint}`] : [])]
    : [
        `${label} ${printable(firstLine(messageOf(error)))} (this is a bug in rethink-gen)`,
        'hint: Please report it with the command you ran and the output of: rethink-gen doctor',
      ];
  if (isDebug(env)) lines.push(printableLines(stackOf(error)));
  else if (!known) lines.push('hint: DEBUG=rethink-gen shows where it happened.');
  stderr.write(`${lines.join('\n')}\n`);
  return known ? error.exitCode : 1;
}

function firstLine(text: string): string {
  return text.split('\n')[0] || 'an error without a message';
}

function isDebug(env: CliContext['env']): boolean {
  return (env.DEBUG ?? '').split(/[\s,]+/).includes('rethink-gen');
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
