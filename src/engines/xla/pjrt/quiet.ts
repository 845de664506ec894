import koffi from 'koffi';

const STDERR = 2;
const O_WRONLY = 1;

/**
 * Runs `task` with the process's stderr switched off below JavaScript: while it loads, a plugin writes lines there that
 * no setting suppresses. Only for code that blocks, so that nobody else's message is lost.
 */
export function withoutNativeStderr<T>(task: () => T): T {
  const libc = koffi.load(null);
  const dup = libc.func('int dup(int fd)');
  const dup2 = libc.func('int dup2(int from, int to)');
  const open = libc.func('int open(const char *path, int flags)');
  const close = libc.func('int close(int fd)');
  const kept: number = dup(STDERR);
  const nowhere: number = open('/dev/null', O_WRONLY);
  // A process without a stderr, or out of descriptors, has nothing to hide.
  const redirected = kept >= 0 && nowhere >= 0 && dup2(nowhere, STDERR) >= 0;
  try {
    return task();
  } finally {
    if (redirected) dup2(kept, STDERR);
    if (kept >= 0) close(kept);
    if (nowhere >= 0) close(nowhere);
  }
}
