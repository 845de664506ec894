import { describe, expect, it } from 'vitest';
import type { HostState, Session, TrainChunk } from '../../src/engines/types.js';
import {
  type EpochRow,
  noProgress,
  type Progress,
  type StepRow,
} from '../../src/results/training.js';
import { type BatchSource, type LoopOptions, trainLoop } from '../../src/train/loop.js';
import type { Checkpoint } from '../../src/train/types.js';

/** Ten examples, five batches of two; label 1 for all. */
const COUNT = 10;
const BATCH = 2;
const STEPS = COUNT / BATCH;

const batches: BatchSource = {
  batchSize: BATCH,
  stepsPerEpoch: STEPS,
  bytesPerStep: BATCH,
  chunk: (epoch, firstStep, steps, learningRates) => ({
    steps,
    images: Uint8Array.from({ length: steps * BATCH }, (_, i) => epoch * 100 + firstStep + i),
    labels: new Int32Array(steps * BATCH).fill(1),
    masks: {},
    extras: {},
    learningRates,
  }),
};

/** A network whose only weight counts its steps; it is right about `solved(step)` of the ten examples. */
class CountingSession implements Session {
  chunks: TrainChunk[] = [];
  constructor(
    private readonly solved: (step: number) => number,
    private readonly badStep = Number.POSITIVE_INFINITY,
    public step = 0,
  ) {}

  async runSteps(chunk: TrainChunk) {
    this.chunks.push(chunk);
    const metrics = {
      loss: new Float32Array(chunk.steps).fill(Number.NaN),
      correct: new Int32Array(chunk.steps),
      finite: new Uint8Array(chunk.steps),
    };
    for (let i = 0; i < chunk.steps && this.step + 1 !== this.badStep; i++) {
      this.step++;
      metrics.loss[i] = 1 / this.step;
      metrics.finite[i] = 1;
    }
    return metrics;
  }

  async evalChunk() {
    const right = this.solved(this.step);
    return {
      loss: new Float32Array(COUNT).fill(1 / (1 + this.step)),
      prediction: Int32Array.from({ length: COUNT }, (_, i) => (i < right ? 1 : 0)),
      // Of ten examples, so many are within the top 5 for every one that is right.
      rank: Int32Array.from({ length: COUNT }, (_, i) => (i < right ? 0 : i < 2 * right ? 4 : 5)),
    };
  }

  async getState(): Promise<HostState> {
    return { 'param/w': { shape: [1], data: Float32Array.of(this.step) } };
  }

  async setState() {}
  dispose() {}
}

function setUp(session: CountingSession, changes: Partial<LoopOptions> = {}) {
  const labels = new Int32Array(COUNT).fill(1);
  const chunks = () => [{ batches: 1, images: new Uint8Array(COUNT), labels, count: COUNT }];
  const written: {
    steps: StepRow[];
    rows: EpochRow[];
    checkpoints: (Checkpoint & { best: boolean })[];
  } = { steps: [], rows: [], checkpoints: [] };
  const options: LoopOptions = {
    session,
    batches,
    data: {
      train: {
        chunks,
        labels,
        trueLabels: Int32Array.from({ length: COUNT }, (_, i) => (i < 4 ? 1 : 0)),
        corrupted: Uint8Array.from({ length: COUNT }, (_, i) => (i < 4 ? 0 : 1)),
      },
      test: { chunks, labels },
      top5: false,
    },
    train: {
      epochs: 6,
      batchSize: BATCH,
      learningRate: 1,
      decay: 0.5,
      momentum: 0.9,
      stop: { accuracy: 1, patience: 2 },
      evaluateEvery: 1,
    },
    decayEvery: STEPS,
    checkpointEvery: 1,
    progress: noProgress(),
    recordSteps: true,
    recorder: {
      steps: (rows) => void written.steps.push(...rows),
      epoch: (row) => void written.rows.push(row),
      checkpoint: (checkpoint, best) => void written.checkpoints.push({ ...checkpoint, best }),
    },
    ...changes,
  };
  return { options, written };
}

/** Rows without what a clock decides. */
const timeless = (rows: EpochRow[]) =>
  rows.map(({ seconds: _s, images_per_second: _i, ...rest }) => rest);

describe('trainLoop', () => {
  it('keeps what is best so far, through a resume as well', async () => {
    const right = [2, 4, 3, 1, 4, 2];
    const session = (step = 0) =>
      new CountingSession((at) => right[at / STEPS - 1]!, undefined, step);
    const start = setUp(session());
    start.options.data.top5 = true;
    await trainLoop(start.options);
    const columns = start.written.rows.map((row) => [
      row.train_top5_accuracy,
      row.test_top5_accuracy,
      row.best_test_accuracy,
      row.best_test_top5_accuracy,
    ]);
    expect(columns).toEqual([
      [0.4, 0.4, 0.2, 0.4],
      [0.8, 0.8, 0.4, 0.8],
      [0.6, 0.6, 0.4, 0.8],
      [0.2, 0.2, 0.4, 0.8],
      [0.8, 0.8, 0.4, 0.8],
      [0.4, 0.4, 0.4, 0.8],
    ]);
    const { progress } = structuredClone(start.written.checkpoints[2]!);
    const again = setUp(session(3 * STEPS), { progress });
    again.options.data.top5 = true;
    await trainLoop(again.options);
    expect(timeless(again.written.rows)).toEqual(timeless(start.written.rows.slice(3)));
  });

  it('writes a checkpoint between two chunks when it is asked to, and goes on', async () => {
    const session = new CountingSession(() => 5);
    const checkpointRequests = { count: 3 };
    const { options, written } = setUp(session, { checkpointEvery: 0, checkpointRequests });
    options.onSteps = () => {
      if (session.step > STEPS && session.step < 2 * STEPS) checkpointRequests.count = 4;
    };
    expect((await trainLoop(options)).outcome).toBe('finished');
    const steps = written.checkpoints.map(({ progress }) => progress.step);
    // Requests from before the run are not its own; one is answered once.
    expect(steps).toEqual([expect.any(Number), 6 * STEPS]);
    expect(steps[0]).toBeGreaterThan(STEPS);
    expect(steps[0]).toBeLessThan(2 * STEPS);

    // From there, all of it is written again as it was.
    const { progress, state } = structuredClone(written.checkpoints[0]!);
    const again = setUp(new CountingSession(() => 5, undefined, state['param/w']!.data[0]!), {
      progress,
    });
    await trainLoop(again.options);
    expect(again.written.steps).toEqual(written.steps.slice(steps[0]));
    expect(timeless(again.written.rows)).toEqual(timeless(written.rows.slice(1)));
  });

  it('writes checkpoints by the clock', async () => {
    const { options, written } = setUp(new CountingSession(() => 5), {
      checkpointEvery: 0,
      checkpointMinutes: Number.MIN_VALUE,
    });
    await trainLoop(options);
    // One after each chunk.
    expect(written.checkpoints.length).toBeGreaterThan(6);
    expect(new Set(written.checkpoints.map(({ progress }) => progress.step)).size).toBe(
      written.checkpoints.length,
    );
  });

  it('stops when the training set was fitted twice in a row', async () => {
    // Solved at the end of epochs 2, not 3, 4 and 5.
    const fitted = new Set([2, 4, 5]);
    const { options, written } = setUp(
      new CountingSession((step) => (fitted.has(step / STEPS) ? COUNT : 5)),
    );
    expect(await trainLoop(options)).toMatchObject({ outcome: 'fitted', divergedAt: null });
    expect(written.rows.map((row) => row.train_accuracy)).toEqual([0.5, 1, 0.5, 1, 1]);
    expect(options.progress.reached.accuracy_1).toMatchObject({ epoch: 2, step: 10 });
    expect(options.progress.reached['accuracy_0.95']).toMatchObject({ epoch: 2 });
    expect(options.progress.reached['loss_0.1']).toMatchObject({ epoch: 2, step: 10 });
    expect(options.progress.reached['loss_0.01']).toBeNull();
  });

  it('uses the whole budget where it never stops', async () => {
    const { options, written } = setUp(new CountingSession(() => COUNT));
    options.train = { ...options.train, stop: null };
    expect((await trainLoop(options)).outcome).toBe('finished');
    expect(written.rows).toHaveLength(6);
  });

  it('writes a row and the loss of every step, with the staircase of the schedule', async () => {
    const { options, written } = setUp(new CountingSession((step) => step % 7));
    await trainLoop(options);
    expect(written.steps.map((row) => row.step)).toEqual(
      Array.from({ length: 6 * STEPS }, (_, i) => i + 1),
    );
    expect(written.steps.map((row) => row.learning_rate)).toEqual(
      written.steps.map((row) => 0.5 ** Math.floor((row.step - 1) / STEPS)),
    );
    expect(written.steps[7]).toMatchObject({ epoch: 2, loss: Math.fround(1 / 8) });
    const [first] = written.rows;
    expect(first).toMatchObject({
      epoch: 1,
      step: 5,
      learning_rate: 1,
      train_accuracy: 0.5,
      true_label_accuracy: 0.9,
      clean_accuracy: 1,
      generalization_gap: 0,
      weight_norm: 5,
    });
    expect(first!.corrupted_accuracy).toBeCloseTo(1 / 6, 12);
  });

  it('evaluates every so many epochs, and at the end', async () => {
    const { options, written } = setUp(new CountingSession(() => 1));
    options.train = { ...options.train, evaluateEvery: 4 };
    await trainLoop(options);
    expect(written.rows.map((row) => row.epoch)).toEqual([4, 6]);
  });

  it('checkpoints as often as asked, at the end, and whenever test accuracy is the best so far', async () => {
    const { options, written } = setUp(
      new CountingSession((step) => [0, 3, 6, 6, 2, 8, 1][step / 5]!),
      {
        checkpointEvery: 2,
      },
    );
    await trainLoop(options);
    expect(written.checkpoints.map(({ progress, best }) => [progress.epoch, best])).toEqual([
      [1, true],
      [2, true],
      [4, false],
      [5, true],
      [6, false],
    ]);
    expect(options.progress.best?.epoch).toBe(5);
  });

  it.each([3, 8, 10, 14])(
    'goes on after an interruption at step %i as if there had been none',
    async (at) => {
      const solved = (step: number) => (step * 3) % 10;
      const whole = setUp(new CountingSession(solved));
      await trainLoop(whole.options);

      const controller = new AbortController();
      const first = setUp(new CountingSession(solved), {
        signal: controller.signal,
        onSteps: ({ epoch, stepInEpoch }) => {
          if ((epoch - 1) * STEPS + stepInEpoch >= at) controller.abort();
        },
      });
      expect((await trainLoop(first.options)).outcome).toBe('interrupted');
      const { progress, state } = first.written.checkpoints.at(-1)!;
      const second = setUp(new CountingSession(solved, undefined, state['param/w']!.data[0]), {
        progress: JSON.parse(JSON.stringify(progress)) as Progress,
      });
      expect((await trainLoop(second.options)).outcome).toBe('finished');
      const rows = [...first.written.rows, ...second.written.rows];
      expect(timeless(rows)).toEqual(timeless(whole.written.rows));
      expect([...first.written.steps, ...second.written.steps]).toEqual(whole.written.steps);
    },
  );

  it('ends at the first step that is not finite, and counts only what was taken', async () => {
    const { options, written } = setUp(new CountingSession(() => 1, 8));
    expect(await trainLoop(options)).toMatchObject({ outcome: 'diverged', divergedAt: 8 });
    expect(options.progress).toMatchObject({ epoch: 1, step: 7 });
    expect(written.steps.at(-1)).toMatchObject({ step: 8, loss: Number.NaN });
    expect(written.checkpoints.at(-1)!.progress.step).toBe(5);
  });

  it('does nothing more for a run that was fitted already', async () => {
    const session = new CountingSession(() => COUNT);
    const { options, written } = setUp(session);
    options.progress.fittedInARow = 2;
    expect((await trainLoop(options)).outcome).toBe('fitted');
    expect(session.chunks).toEqual([]);
    expect(written.rows).toEqual([]);
  });
});
