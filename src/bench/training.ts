import type { Session } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { noProgress } from '../results/training.js';
import { trainLoop } from '../train/loop.js';
import type { Recorder } from '../train/types.js';
import type { Effort } from './types.js';
import type { Workload } from './workload.js';

/** Libraries choose their kernels and fill their caches in this time, in seconds. */
const WARM_UP = 2;

/**
 * Times rounds of training, in the loop that a run trains in, until all rounds are full.
 *
 * @returns Images per second of each round, and the seconds of the first call, which makes one step.
 */
export async function timeTraining(
  session: Session,
  { batches, config, program }: Workload,
  effort: Effort,
  onCall: () => void = () => {},
): Promise<{ rates: number[]; firstCallSeconds: number }> {
  const controller = new AbortController();
  const clock = new RoundClock(effort, program.batchSize);
  let stepsBefore = 0;
  const { outcome, divergedAt } = await trainLoop({
    session,
    batches,
    // Never evaluated: the last epoch is out of reach.
    data: emptyData(),
    train: config.train,
    decayEvery: batches.stepsPerEpoch,
    checkpointEvery: 0,
    progress: noProgress(),
    recorder: NO_RECORDER,
    recordSteps: false,
    onSteps({ epoch, stepInEpoch, stepsPerEpoch }) {
      onCall();
      const steps = (epoch - 1) * stepsPerEpoch + stepInEpoch;
      clock.called(steps - stepsBefore, performance.now());
      stepsBefore = steps;
      if (clock.rates.length === effort.rounds) controller.abort();
    },
    signal: controller.signal,
  });
  if (outcome === 'diverged') {
    throw new RethinkError('diverged', `Step ${divergedAt} of the benchmark was not finite.`);
  }
  return { rates: clock.rates, firstCallSeconds: clock.firstCallSeconds };
}

/** Adds up calls to rounds; what is warm-up goes into none. */
class RoundClock {
  readonly rates: number[] = [];
  firstCallSeconds = 0;
  private readonly start = performance.now();
  private last = this.start;
  private readonly sizes = new Set<number>();
  private images = 0;
  private seconds = 0;

  constructor(
    private readonly effort: Effort,
    private readonly batchSize: number,
  ) {}

  /** Notes the end of a call of so many steps. */
  called(steps: number, now: number): void {
    const took = (now - this.last) / 1000;
    this.last = now;
    if (this.sizes.size === 0) this.firstCallSeconds = took;
    // An engine may compile something for each count of steps: the first call with a new one is no measure.
    const known = this.sizes.has(steps);
    this.sizes.add(steps);
    const warm = now - this.start > Math.min(WARM_UP, this.effort.seconds) * 1000;
    if (!known || !warm) return;
    this.images += steps * this.batchSize;
    this.seconds += took;
    if (this.seconds < this.effort.seconds) return;
    this.rates.push(this.images / this.seconds);
    this.images = 0;
    this.seconds = 0;
  }
}

const NO_RECORDER: Recorder = { steps() {}, epoch() {}, checkpoint() {} };

function emptyData() {
  const labels = new Int32Array(0);
  const nothing = { chunks: () => [], labels };
  return {
    train: { ...nothing, trueLabels: labels, corrupted: new Uint8Array(0) },
    test: nothing,
    top5: false,
  };
}
