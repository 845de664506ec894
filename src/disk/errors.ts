import { type ErrorKind, messageOf, RethinkError } from '../errors.js';
import { limitOf } from './limits.js';

/** What can be done about a disk's refusal. */
type Remedy = 'space' | 'check' | 'permission';

const REASONS: Record<string, [reason: string, remedy?: Remedy]> = {
  ENOSPC: ['no space left on the device', 'space'],
  EDQUOT: ['disk quota exceeded', 'space'],
  EIO: ['the device reported an input/output error', 'check'],
  ESTALE: ['the network file system lost the file', 'check'],
  EROFS: ['the file system is read-only', 'permission'],
  EACCES: ['permission denied', 'permission'],
  EPERM: ['the operation is not permitted', 'permission'],
  ENOENT: ['there is no such file or folder'],
  ENOTDIR: ['a part of the path is not a folder'],
  EISDIR: ['it is a folder'],
  EEXIST: ['something else is there under that name'],
  // What opening a socket gives.
  ENXIO: ['it is not a regular file'],
  ELOOP: ['it is a symbolic link'],
  ENAMETOOLONG: ['the name is too long'],
};

/** Whose file it is: a run's, what a config or a data set names, a data set's that is made here, an engine's, what a shell sent stdout to. */
export type Owner = 'run' | 'input' | 'dataset' | 'engine' | 'output';

const AGAIN: Record<Remedy, string> = {
  space: 'Free some space, or name a folder on a larger disk; then run the command again.',
  check: 'Check the disk, then run the command again.',
  permission: 'Name a folder that you can write to.',
};

/** What a refusal is for each, and what a person can do where something was to be written. */
export const OWNERS: Record<Owner, { kind: ErrorKind; hints: Record<Remedy, string> }> = {
  run: {
    kind: 'failed',
    hints: {
      space: 'What was written before is intact: free some space, then resume the run.',
      check: 'What was written before is intact: check the disk, then resume the run.',
      permission: 'Name a folder that you can write to with --out DIR.',
    },
  },
  input: { kind: 'data', hints: AGAIN },
  dataset: { kind: 'failed', hints: AGAIN },
  output: {
    kind: 'failed',
    hints: {
      space: 'Free some space, or send it elsewhere; run directories hold all results of runs.',
      check: AGAIN.check,
      permission: 'Send it to a place that you can write to.',
    },
  },
  engine: {
    kind: 'failed',
    hints: {
      space: 'Free some space, or set XDG_CACHE_HOME to a folder on a larger disk.',
      check: AGAIN.check,
      permission: 'Set XDG_CACHE_HOME to a folder that you may write to; engines live under it.',
    },
  },
};

/** The `code` of a system's error, such as `ENOENT`, else an empty string. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/**
 * What a failed file operation tells a person: the path and the reason in words; a `RethinkError` passes unchanged.
 *
 * @param verb What was tried: `write`, `read`, `create`.
 */
export function diskError(
  error: unknown,
  verb: string,
  path: string,
  owner: Owner = 'run',
): RethinkError {
  if (error instanceof RethinkError) return error;
  // Whosever file it is, it is not its fault.
  const limit = limitOf(errorCode(error));
  if (limit !== undefined) {
    const message = `Could not ${verb} ${path}: ${limit.reason}.`;
    return new RethinkError('failed', message, { hint: limit.hint, cause: error });
  }
  const { kind, hints } = OWNERS[owner];
  const [reason, remedy] = REASONS[errorCode(error)] ?? [messageOf(error)];
  // Advice about writing is no help to who only reads or removes.
  const hint =
    ['read', 'remove'].includes(verb) || remedy === undefined ? undefined : hints[remedy];
  return new RethinkError(kind, `Could not ${verb} ${path}: ${reason}.`, {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}
