/**
 * Time left of a sweep, from the share of its trials that is done. A trial under way counts by its epochs, all of which
 * it may not need: the time is more likely too long than too short.
 */
export class TimeLeft {
  private readonly start = performance.now();
  private done = 0;
  private readonly running = new Map<string, number>();

  /** @param total Trials that are to be run. */
  constructor(private readonly total: number) {}

  /** @param fraction Of the trial's epochs, 0…1. */
  progress(id: string, fraction: number): void {
    this.running.set(id, fraction);
  }

  ended(id: string): void {
    this.running.delete(id);
    this.done++;
  }

  /** In seconds; `undefined` while nothing is known. */
  seconds(now = performance.now()): number | undefined {
    const share = [...this.running.values()].reduce((sum, fraction) => sum + fraction, this.done);
    if (share <= 0) return undefined;
    const elapsed = (now - this.start) / 1000;
    return Math.max(0, (elapsed / share) * (this.total - share));
  }
}
