import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TrainBatches } from '../../src/batches/batches.js';
import { evalChunks } from '../../src/batches/chunks.js';
import { type Config, resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import { corruptDataset } from '../../src/corrupt/index.js';
import { collectSplit } from '../../src/data/collect.js';
import { publishedSpec } from '../../src/data/published/catalog.js';
import { CIFAR, CIFAR_PYTHON, cifarSource } from '../../src/data/published/cifar.js';
import { dataRoots, othersRoots } from '../../src/data/published/places.js';
import type { CifarForm, CifarPythonForm, Found } from '../../src/data/published/types.js';
import { syntheticInfo, syntheticRecord } from '../../src/data/synthetic.js';
import type { DataSource, Dataset, SplitName } from '../../src/data/types.js';
import { sha256 } from '../../src/disk/digest.js';
import type { Engine } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import { checkpointPath, loadCheckpoint, saveCheckpoint } from '../../src/record/checkpoint.js';
import { noProgress } from '../../src/results/training.js';
import { evalBatches } from '../../src/train/eval-batch.js';
import { initialState } from '../../src/train/init.js';
import { trainLoop } from '../../src/train/loop.js';
import { makeProgram } from '../../src/train/program.js';

/** Side of what is seen of CIFAR-10's images. */
const CROP = 28;
/** The test images say nothing here: a few, so that they cost nothing. */
const TEST_IMAGES = 1000;

export interface FitOptions {
  /** Where a training that didn't end in time goes on from. */
  folder: string;
  /** Seconds after which it stops. */
  seconds: number;
  /** Training images; the whole set: 50,000. */
  images: number;
  model: Config['model']['name'];
}

/**
 * Trains `configs/random-labels.json` until every label is learned by heart, as `rethink-gen run` does, without its data
 * room (which takes libraries along that decode images) and its run directory.
 *
 * @returns Whether all were learned in the given time.
 */
export async function fitRandomLabels(engine: Engine, options: FitOptions): Promise<boolean> {
  const config = configOf(options);
  const dataset = await randomLabels(options.images, config);
  const { train, info } = dataset;
  const { regularization, seeds } = config;
  const model = buildModel({
    config: config.model,
    inputShape: [CROP, CROP, info.channels],
    classes: info.classes.length,
    dropout: regularization.dropout,
  });
  const batches = new TrainBatches({
    examples: train,
    size: info,
    batchSize: config.train.batchSize,
    crop: CROP,
    augment: regularization.augment,
    masks: model.masks,
    dropout: regularization.dropout,
    seed: seeds.data,
  });
  const program = makeProgram({
    model,
    batchSize: batches.batchSize,
    ...evalBatches(model, train.count),
    momentum: config.train.momentum,
    weightDecay: regularization.weightDecay,
    dropout: regularization.dropout,
  });
  const chunks = (split: SplitName) => {
    const { images, labels, count } = dataset[split];
    return evalChunks({
      images,
      labels,
      count,
      size: info,
      evalBatchSize: program.evalBatchSize,
      crop: CROP,
    });
  };

  // What belongs to another config or to other images is not gone on with.
  const meta = {
    configHash: sha256(Buffer.from(JSON.stringify(config))),
    dataHash: sha256(train.images),
    corruptionHash: sha256(new Uint8Array(train.labels.buffer)),
    version: 'gpu-check',
    seeds,
  };
  const path = checkpointPath(options.folder, 'last');
  const before = existsSync(path) ? loadCheckpoint(path, program.state) : undefined;
  const same =
    before?.meta.configHash === meta.configHash &&
    before.meta.dataHash === meta.dataHash &&
    before.meta.corruptionHash === meta.corruptionHash;
  const { state, progress } = same
    ? before.checkpoint
    : { state: initialState(model, seeds.init), progress: noProgress() };
  if (same)
    console.log(`going on after ${progress.epoch} epochs and ${progress.seconds.toFixed(1)} s`);

  const start = performance.now();
  const session = await engine.load(program, state);
  const compiled = (performance.now() - start) / 1000;
  mkdirSync(options.folder, { recursive: true });
  const clock = AbortSignal.timeout(Math.ceil(1000 * Math.max(1, options.seconds - compiled)));
  try {
    const { outcome } = await trainLoop({
      session,
      batches,
      data: {
        train: { ...train, corrupted: train.labelChanged, chunks: () => chunks('train') },
        test: { labels: dataset.test.labels, chunks: () => chunks('test') },
        top5: false,
      },
      train: config.train,
      decayEvery: config.train.decayEvery ?? Math.floor(info.counts.train / batches.batchSize),
      checkpointEvery: 0,
      progress,
      recorder: {
        steps() {},
        epoch: ({ epoch, seconds, images_per_second, train_loss, train_accuracy }) =>
          console.log(
            `epoch ${epoch}: ${seconds.toFixed(1)} s, ${Math.round(images_per_second ?? 0)} images/s, loss ${train_loss.toFixed(4)}, ${(100 * train_accuracy).toFixed(3)} % of the random labels`,
          ),
        checkpoint: (checkpoint) => saveCheckpoint(options.folder, 'last', checkpoint, meta),
      },
      recordSteps: false,
      signal: clock,
    });
    const { epoch, seconds } = progress;
    const what = `${train.count} images of ${info.name}, ${options.model}, ${engine.info.device}, ${engine.info.precision}`;
    const took = `${seconds.toFixed(1)} s (${epoch} epochs; ${compiled.toFixed(1)} s to compile beside)`;
    if (outcome === 'fitted') console.log(`100 % of the random labels after ${took}: ${what}`);
    else if (outcome === 'interrupted') console.log(`not at its end after ${took}: ${what}`);
    else console.log(`${outcome} after ${took}: ${what}`);
    return outcome === 'fitted';
  } finally {
    session.dispose();
  }
}

function configOf({ model }: FitOptions): Config {
  const file = JSON.parse(readFileSync(join('configs', 'random-labels.json'), 'utf8'));
  return resolveConfig(configSchema.parse({ ...file, model: { name: model } }), 'random-labels');
}

/** CIFAR-10 where it is found, else as many drawn images of its size, with labels of chance. */
async function randomLabels(count: number, config: Config) {
  const source = findCifar10();
  if (source === undefined) {
    console.log(
      'CIFAR-10 is not on this machine (RETHINK_GEN_DATA names its folder): drawn images',
    );
  }
  const dataset: Dataset = {
    info: source?.info ?? { ...syntheticInfo(), counts: { train: count, test: TEST_IMAGES } },
    train: await split(source, 'train', count),
    test: await split(source, 'test', TEST_IMAGES),
    statistics: { mean: [], variance: [] },
    hash: '',
  };
  return corruptDataset(dataset, config.corruption, config.seeds.corruption);
}

/** In the forms that hold plain bytes; another takes decoders. */
function findCifar10(): DataSource | undefined {
  const spec = publishedSpec('cifar10')!;
  const [found] = [...dataRoots(), ...othersRoots()].flatMap((base) =>
    spec.forms.flatMap((form): Found<CifarForm | CifarPythonForm>[] => {
      if (form.layout === 'cifar') return CIFAR.find(spec, form, base, false, undefined);
      if (form.layout !== 'cifar-python') return [];
      return CIFAR_PYTHON.find(spec, form, base, false, undefined);
    }),
  );
  return found && cifarSource(spec, found, 'official');
}

async function split(source: DataSource | undefined, name: SplitName, count: number) {
  if (source !== undefined) {
    const whole = await collectSplit(source, name);
    const size = whole.images.length / whole.count;
    const kept = Math.min(count, whole.count);
    return {
      images: whole.images.subarray(0, kept * size),
      labels: whole.labels.subarray(0, kept),
      indices: whole.indices.subarray(0, kept),
      count: kept,
    };
  }
  const { height, width, channels } = syntheticInfo();
  const images = new Uint8Array(count * height * width * channels);
  const labels = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const record = syntheticRecord(name, index);
    images.set(record.image, index * height * width * channels);
    labels[index] = record.label;
  }
  return { images, labels, indices: Uint32Array.from(labels, (_, i) => i), count };
}
