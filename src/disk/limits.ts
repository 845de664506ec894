import { messageOf, RethinkError } from '../errors.js';
import { grouped } from '../text.js';

/** What a shell or a batch system lets a process have, where an operation runs into it. */
interface Limit {
  reason: string;
  /** Under which Node tells its value. */
  key?: 'open_files' | 'file_size_blocks' | 'max_user_processes';
  /** What its value counts. */
  unit?: string;
  hint: string;
}

const AGAIN = 'then run the command again, or resume the run';

const LIMITS: Record<string, Limit> = {
  EMFILE: {
    reason: 'too many files are open in this process',
    key: 'open_files',
    unit: 'files',
    hint: `Raise the limit, ${AGAIN}: ulimit -n 4096`,
  },
  ENFILE: {
    reason: 'too many files are open on this machine',
    hint: `Close other programs, ${AGAIN}.`,
  },
  EFBIG: {
    reason: 'the file would become larger than is allowed here',
    key: 'file_size_blocks',
    unit: 'bytes',
    hint: `Raise the limit, ${AGAIN}: ulimit -f unlimited`,
  },
  EAGAIN: {
    reason: 'no further process or thread may be started',
    key: 'max_user_processes',
    unit: 'processes',
    hint: `End other processes or raise the limit, ${AGAIN}: ulimit -u 4096`,
  },
  ENOMEM: { reason: 'there is no memory left', hint: `Free some memory, ${AGAIN}.` },
};

/** Why an operation was refused by a limit, and what to do about it; `undefined` for any other refusal. */
export function limitOf(code: string): { reason: string; hint: string } | undefined {
  const limit = LIMITS[code];
  if (limit === undefined) return undefined;
  const value = limit.key && softLimit(limit.key);
  const told = value === undefined ? '' : ` (at most ${grouped(value)} ${limit.unit})`;
  return { reason: `${limit.reason}${told}`, hint: limit.hint };
}

/**
 * An error of the system's own, thrown where nothing reckoned with it, as a sentence where it is a limit's; `undefined`
 * where it isn't.
 */
export function limitError(error: unknown): RethinkError | undefined {
  if (isOutOfMemory(error)) {
    const { reason, hint } = LIMITS.ENOMEM!;
    return new RethinkError('failed', `Could not go on: ${reason}.`, { hint, cause: error });
  }
  const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  // Not every library's codes are the system's.
  const limit = typeof syscall === 'string' ? limitOf(code ?? '') : undefined;
  if (limit === undefined) return undefined;
  const what = path === undefined ? messageOf(error) : `Could not ${syscall} ${path}`;
  return new RethinkError('failed', `${what}: ${limit.reason}.`, {
    hint: limit.hint,
    cause: error,
  });
}

/** As V8 and Node say that an array finds no place. */
function isOutOfMemory(error: unknown): boolean {
  const known = error instanceof RangeError && error.message === 'Array buffer allocation failed';
  return known || (error as NodeJS.ErrnoException | null)?.code === 'ERR_MEMORY_ALLOCATION_FAILED';
}

function softLimit(key: NonNullable<Limit['key']>): number | undefined {
  // Asked of the process, not of /proc: there is no file left to read that with.
  const report = process.report as unknown as {
    excludeNetwork: boolean;
    getReport(): { userLimits?: Record<string, { soft: number | string }> };
  };
  report.excludeNetwork = true;
  const soft = report.getReport().userLimits?.[key]?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
