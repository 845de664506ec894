import { messageOf, RethinkError } from '../errors.js';

const FREE_SPACE = 'What was written before is intact: free some space, then resume the run.';
const CHECK_DISK = 'What was written before is intact: check the disk, then resume the run.';
const OTHER_FOLDER = 'Name a folder that you can write to with --out DIR.';

const REASONS: Record<string, [reason: string, hint?: string]> = {
  ENOSPC: ['no space left on the device', FREE_SPACE],
  EDQUOT: ['disk quota exceeded', FREE_SPACE],
  EFBIG: ['the file would become larger than is allowed here', FREE_SPACE],
  EIO: ['the device reported an input/output error', CHECK_DISK],
  ESTALE: ['the network file system lost the file', CHECK_DISK],
  EROFS: ['the file system is read-only', OTHER_FOLDER],
  EACCES: ['permission denied', OTHER_FOLDER],
  EPERM: ['the operation is not permitted', OTHER_FOLDER],
  ENOENT: ['there is no such file or folder'],
  ENOTDIR: ['a part of the path is not a folder'],
  EISDIR: ['it is a folder'],
  EEXIST: ['something else is there under that name'],
  ELOOP: ['it is a symbolic link'],
  ENAMETOOLONG: ['the name is too long'],
  EMFILE: ['too many files are open in this process'],
  ENFILE: ['too many files are open on this machine'],
};

/** The `code` of a file system's error, else an empty string. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/**
 * What a failed file operation tells a person: the path and the reason in words.
 *
 * @param verb What was tried: `write`, `read`, `create`.
 */
export function diskError(error: unknown, verb: string, path: string): RethinkError {
  if (error instanceof RethinkError) return error;
  const [reason, hint] = REASONS[errorCode(error)] ?? [messageOf(error)];
  // Advice about writing is no help to who only reads.
  const advice = verb === 'read' || hint === undefined ? {} : { hint };
  return new RethinkError('failed', `Could not ${verb} ${path}: ${reason}.`, {
    ...advice,
    cause: error,
  });
}
