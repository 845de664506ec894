/** Milliseconds without a word, after which whoever reads along is told how far it is. */
const LONGEST = 30_000;

/** How long nothing has been said. */
export class Silence {
  private since = performance.now();

  /** To be called with whatever is said. */
  end(): void {
    this.since = performance.now();
  }

  isLong(): boolean {
    return performance.now() - this.since >= LONGEST;
  }
}
