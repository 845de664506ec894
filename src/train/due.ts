/** How often someone has asked a run for a checkpoint, without ending it; counting one up asks. */
export interface CheckpointRequests {
  count: number;
}

/** Says when a checkpoint is due between the ends of epochs: by the clock, or because someone asked. */
export class CheckpointDue {
  private written = performance.now();
  private served: number;

  /** @param minutes Between checkpoints; 0: none by the clock. */
  constructor(
    private readonly minutes: number,
    private readonly requests: CheckpointRequests = { count: 0 },
  ) {
    this.served = requests.count;
  }

  get now(): boolean {
    if (this.requests.count > this.served) return true;
    return this.minutes > 0 && performance.now() - this.written >= this.minutes * 60_000;
  }

  /** Notes that a checkpoint is being written. */
  note(): void {
    this.written = performance.now();
    this.served = this.requests.count;
  }
}
