import { closeSync, openSync } from 'node:fs';
import koffi from '../../machine/koffi.js';

/**
 * Runs `task` with this process's stderr pointing nowhere. TensorFlow's libraries greet on file descriptor 2 while
 * they load, whatever TF_CPP_MIN_LOG_LEVEL says; what goes wrong they report through exceptions.
 */
export function withQuietStderr<T>(task: () => T): T {
  const libc = koffi.load('libc.so.6');
  const dup = libc.func('int dup(int fd)') as (fd: number) => number;
  const dup2 = libc.func('int dup2(int from, int to)') as (from: number, to: number) => number;
  const saved = dup(2);
  // No stderr at all, or no descriptor left: then there is nothing to keep quiet, or worse trouble than noise.
  if (saved < 0) return task();
  const nowhere = openSync('/dev/null', 'w');
  try {
    dup2(nowhere, 2);
    return task();
  } finally {
    dup2(saved, 2);
    closeSync(saved);
    closeSync(nowhere);
  }
}
