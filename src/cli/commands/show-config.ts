import { dirname, resolve } from 'node:path';
import { agreedConfig, loadExperiment } from '../../config/experiment.js';
import { locatedConfig, startedHere } from '../../config/places.js';
import type { Config } from '../../config/resolve.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { showBatch } from '../../run/show-batch.js';
import type { CliContext } from '../context.js';
import { batchPage, batchReport, batchSheet } from '../show/batch-report.js';
import { roomOf } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

interface ShowConfigFlags {
  dataDir?: string;
  dir?: string;
  json?: boolean;
  png?: string;
  html?: string;
  images?: number;
}

/** Examples that are shown where nobody says how many. */
const IMAGES = 32;

/** `rethink-gen data show CONFIG [key.path=value …]`: what a network is given. */
export async function showConfig(
  path: string,
  overrides: readonly string[],
  flags: ShowConfigFlags,
  context: CliContext,
): Promise<void> {
  if (flags.dir !== undefined) {
    throw new RethinkError(
      'usage',
      '--dir is for data sets, and a config says where its data is.',
      {
        hint: 'Give data.dir=PATH instead.',
      },
    );
  }
  const experiment = await loadExperiment(path, { overrides, env: context.env });
  const given = ({ experiment, data, corruption, seeds, train, regularization }: Config) => [
    experiment,
    data,
    corruption,
    seeds.data,
    seeds.corruption,
    train.batchSize,
    regularization.augment,
  ];
  const config = agreedConfig(experiment, given, 'images or labels');
  const batch = await watched(flags, context, (job) =>
    showBatch(locatedConfig(config, startedHere()), flags.images ?? IMAGES, {
      dataDir: flags.dataDir,
      events: job.events,
      signal: job.signal,
    }),
  );
  const shown = { config, batch };
  const pictures: string[] = [];
  const write = (file: string, content: Uint8Array | string) => {
    ensureFolder(dirname(resolve(file)));
    writeFileAtomic(file, content);
    pictures.push(resolve(file));
  };
  if (flags.png !== undefined) write(flags.png, await batchSheet(batch));
  if (flags.html !== undefined) write(flags.html, await batchPage(shown));
  if (!flags.json) {
    context.stdout.write(batchReport(shown, pictures, roomOf(context.stdout)));
    return;
  }
  const { info, examples, train, batchSize, stepsPerEpoch } = batch;
  const rows = examples.map(({ index, trueLabel, label, drawn }) => {
    return { index, true_label: trueLabel, label, drawn };
  });
  emit(context, 'batch', { info, train, batchSize, stepsPerEpoch, examples: rows, pictures });
}
