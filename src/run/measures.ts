import { evalChunks } from '../batches/chunks.js';
import { readImages } from '../batches/stored-eval-chunks.js';
import type { Config } from '../config/resolve.js';
import { CHUNK_BYTES, type Session } from '../engines/types.js';
import { measureNetwork } from '../measures/index.js';
import { throwIfInterrupted, type Watching } from '../progress.js';
import { Random } from '../random.js';
import type { Measures } from '../results/measures.js';
import type { Prepared } from '../setup/training.js';
import { accuracy, evaluateSplit } from '../train/evaluate.js';

/** Training images on which the cost of noise is measured: at most so many, and at most a chunk of an engine. */
const MOST_IMAGES = 1000;

/**
 * Measures the network that a session holds, on the data that it was trained on.
 *
 * @param margins Of all training examples, where they are known: else they are evaluated.
 * @throws RethinkError (`interrupted`).
 */
export async function measureRun(
  session: Session,
  { config, prepared }: { config: Config; prepared: Prepared },
  margins: Float32Array | undefined,
  watching: Watching,
): Promise<Measures> {
  const { model, measured } = prepared;
  const { train } = measured;
  const state = await session.getState();
  const known =
    margins ?? (await evaluateSplit(session, train.chunks(), train.labels.length)).margin!;
  const { labels, chunks } = await someExamples(prepared, config.seed);
  const measures = await measureNetwork({
    name: config.model.name,
    model,
    state,
    initSeed: config.seeds.init,
    noiseSeed: config.seed,
    margins: known,
    images: labels.length,
    watching,
    async accuracyOf(perturbed) {
      throwIfInterrupted(watching.signal, 'measuring sharpness');
      await session.setState(perturbed);
      const { prediction } = await evaluateSplit(session, chunks(), labels.length);
      return accuracy(prediction, labels) ?? Number.NaN;
    },
  });
  await session.setState(state);
  return measures;
}

/** A seeded choice of training examples, in memory. */
async function someExamples({ data, info, program }: Prepared, seed: number) {
  const { images, labels: all, count } = data.train;
  const bytes = info.height * info.width * info.channels;
  const most = Math.max(1, Math.min(count, MOST_IMAGES, Math.floor(CHUNK_BYTES / bytes)));
  const positions = new Random(seed, 'measures/images').permutation(count).slice(0, most).sort();
  const chosen = await readImages(images, positions, bytes);
  const labels = Int32Array.from(positions, (at) => all[at]!);
  const chunks = () =>
    evalChunks({
      images: chosen,
      labels,
      count: labels.length,
      size: info,
      evalBatchSize: program.evalBatchSize,
      crop: program.imageShape[0],
    });
  return { labels, chunks };
}
