/** A chunk stays under this … */
const CHUNK_BYTES = 64 * 1024 * 1024;
/** … and a call under about a second, so that progress and Ctrl-C stay alive. */
const CALL_SECONDS = 0.5;

/**
 * How many steps to give the engine in one call: a power of two (so that an engine that compiles a program for each
 * count compiles few), learned from how long the last calls took.
 */
export class ChunkPlanner {
  private secondsPerStep: number | undefined;
  private readonly largest: number;

  /** @param bytesPerStep Bytes of images that one step needs. */
  constructor(bytesPerStep: number) {
    this.largest = Math.max(1, Math.floor(CHUNK_BYTES / bytesPerStep));
  }

  /** @param remaining Steps left in the epoch, at least 1. */
  next(remaining: number): number {
    // One step first: nothing is known of its time.
    const byTime =
      this.secondsPerStep === undefined ? 1 : Math.floor(CALL_SECONDS / this.secondsPerStep);
    const most = Math.max(1, Math.min(remaining, this.largest, byTime));
    return 2 ** Math.floor(Math.log2(most));
  }

  /** Notes that a call of `steps` steps took `seconds`. */
  took(steps: number, seconds: number): void {
    const perStep = Math.max(seconds / steps, 1e-6);
    // The first call may include one-time work of the library: the later ones weigh more.
    this.secondsPerStep =
      this.secondsPerStep === undefined ? perStep : 0.3 * this.secondsPerStep + 0.7 * perStep;
  }
}
