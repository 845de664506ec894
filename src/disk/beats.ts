import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** What is asked of a heart: to begin with a file, or to leave it alone. */
export interface BeatRequest {
  path: string;
  /** Milliseconds between two beats; `null`: no more. */
  every: number | null;
}

export type Heart = (request: BeatRequest) => void;

/** Without `O_CREAT`: a file that another process has removed stays so. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);

/** Adds a blank to each file as often as asked; JSON is the same with blanks behind it. */
export function startHeart(): Heart {
  const timers = new Map<string, NodeJS.Timeout>();
  return ({ path, every }) => {
    clearInterval(timers.get(path));
    timers.delete(path);
    if (every !== null) timers.set(path, setInterval(() => beat(path), every).unref());
  };
}

function beat(path: string): void {
  try {
    const fd = openSync(path, APPEND);
    try {
      writeSync(fd, ' ');
    } finally {
      closeSync(fd);
    }
  } catch {
    // One that is missed loses nothing. One whose lock is gone learns it with its next row or checkpoint.
  }
}
