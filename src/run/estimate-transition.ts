import { prefetch } from '../batches/prefetch.js';
import { correctionOf } from '../config/loss.js';
import type { Config } from '../config/resolve.js';
import type { TransitionMatrix } from '../corrupt/index.js';
import type { Engine, Session } from '../engines/types.js';
import { RethinkError } from '../errors.js';
import { noProgress } from '../results/training.js';
import { type Prepared, splitChunks } from '../setup/training.js';
import { trainLoop } from '../train/loop.js';
import { beginning } from './starting-point.js';

export interface Estimation {
  config: Config;
  /** With the plain loss. */
  prepared: Prepared;
  engine: Engine;
  signal: AbortSignal | undefined;
}

/**
 * Estimates T as Patrini 2017 (section 4.3) does: a network is trained without correction, and row i is what it says of
 * the example it holds for the surest of class i.
 *
 * @throws RethinkError: `interrupted`, or `failed` where the training diverges.
 */
export async function estimateTransition(estimation: Estimation): Promise<TransitionMatrix> {
  const { config, prepared, engine, signal } = estimation;
  const warmupEpochs = correctionOf(config.loss)!.warmupEpochs!;
  const { state } = beginning(config, prepared);
  const session = await engine.load(prepared.program, state);
  const batches = prefetch(prepared.batches);
  try {
    const { outcome } = await trainLoop({
      session,
      batches,
      data: prepared.measured,
      train: {
        ...config.train,
        epochs: warmupEpochs,
        evaluateEvery: warmupEpochs,
        stop: null,
      },
      decayEvery: prepared.decayEvery,
      checkpointEvery: 0,
      progress: noProgress(),
      // Nothing is kept of this training but its matrix: a run that is killed in it starts over.
      recorder: { steps() {}, epoch() {}, checkpoint() {} },
      recordSteps: false,
      signal,
    });
    if (outcome === 'interrupted') {
      throw new RethinkError('interrupted', 'Interrupted in the training that estimates T.');
    }
    if (outcome === 'diverged') throw diverged();
    return await surest(session, prepared);
  } finally {
    batches.dispose();
    session.dispose();
  }
}

/** Row i: the probabilities of the training example whose probability of class i is the greatest. */
async function surest(session: Session, prepared: Prepared): Promise<TransitionMatrix> {
  const classes = prepared.info.classes.length;
  const rows = Array.from({ length: classes }, () => new Float32Array(classes));
  for await (const chunk of splitChunks(prepared, 'train', true)) {
    const { probabilities } = await session.evalChunk(chunk);
    for (let i = 0; i < chunk.count; i++) {
      const row = probabilities!.subarray(i * classes, (i + 1) * classes);
      rows.forEach((best, label) => {
        if (row[label]! > best[label]!) best.set(row);
      });
    }
  }
  return rows.map((row) => {
    const sum = row.reduce((total, p) => total + p, 0);
    return Array.from(row, (p) => p / sum);
  });
}

function diverged(): RethinkError {
  return new RethinkError('failed', 'The training that estimates T diverged.', {
    hint: 'A smaller train.learningRate often helps.',
  });
}
