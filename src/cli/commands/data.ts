import type { Command } from 'commander';
import { DATASET_NAMES, isDataset, PUBLISHED_NAMES } from '../../config/datasets.js';
import { RethinkError } from '../../errors.js';
import { prose, quoted } from '../../text.js';
import type { CliContext } from '../context.js';
import { dataDirOption, examplesOf, positiveInteger, RUN } from '../options.js';
import {
  fetchReport,
  importReport,
  listReport,
  packVerifiedReport,
  showReport,
  verifyReport,
} from '../show/data-report.js';
import { roomOf } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';
import { registerLabels } from './labels.js';
import { registerPack } from './pack.js';

const EXAMPLES = `
Examples:
  rethink-gen data fetch cifar10                                170 MB from its authors' page, once
  rethink-gen data import cifar-10-binary.tar.gz --as cifar10   the same file, got elsewhere
  rethink-gen data import images.tar.gz --as cifar10            a tree train|test/<class>/*.jpg or *.png
  rethink-gen data verify cifar10
  rethink-gen data pack imagenette2-160.tgz --out packed --size 128
  rethink-gen data pack /data/ILSVRC2012 --out packed --size 128 --classes 100 --per-class 500
  rethink-gen data verify packed
  rethink-gen data show packed --png sheet.png                  or a tree of images, cats-and-dogs
  rethink-gen data labels latest --out labels.npy               true and corrupted labels, for other programs

RETHINK_GEN_MIRROR names a server to fetch the official files from.`;

interface DataFlags {
  dataDir?: string;
  dir?: string;
  json?: boolean;
  as?: string;
  force?: boolean;
  png?: string;
  html?: string;
  images?: number;
}

/** `rethink-gen data list | fetch NAME | import PATH --as NAME | pack PATH --out DIR | verify NAME | show NAME | labels RUN --out FILE` */
export function registerDataCommand(program: Command, context: CliContext): void {
  const data = program
    .command('data')
    .summary('data sets found here, and getting them')
    .description('Lists, gets, checks and shows data sets.')
    .addHelpText('after', EXAMPLES);
  const subcommand = (
    name: string,
    summary: string,
    description: string,
    examples: readonly string[],
  ) =>
    data
      .command(name)
      .summary(summary)
      .description(description)
      .addOption(dataDirOption())
      .option('--json', 'newline-delimited JSON on stdout instead of text')
      .addHelpText('after', examplesOf('data', examples));
  const elsewhere = 'a folder or archive elsewhere, as data.dir';
  const published = `${PUBLISHED_NAMES.join(', ')}`;
  const any = `a data set (${DATASET_NAMES.join(', ')}), or the path of images`;

  subcommand(
    'list',
    'which there are, and how to get them',
    'Lists the data sets: what they are, where they were found, how to get them; and packed images in the data folder.',
    ['list', 'list --data-dir /data --json'],
  ).action((flags: DataFlags) => list(flags, context));
  subcommand(
    'fetch',
    'download one',
    'Downloads the official files; goes on where it was interrupted.',
    ['fetch cifar10', 'fetch mnist --data-dir /data'],
  )
    .argument('<name>', published)
    .action((name: string, flags: DataFlags) => fetchNamed(name, flags, context));
  subcommand(
    'import',
    'take one from files that you have',
    'Takes a data set from its official files, from CIFAR in another form (for Python, Parquet), or from a tree of images.',
    ['import cifar-10-binary.tar.gz --as cifar10', 'import images --as cifar10 --force'],
  )
    .argument(
      '<path>',
      'an archive, file or folder of it, or of train|test/<class>/*.png (or others)',
    )
    .requiredOption('--as <name>', `the data set it is: ${published}`)
    .option('--force', 'replace what was imported before')
    .action((path: string, flags: DataFlags) => importPath(path, flags, context));
  registerPack(
    subcommand(
      'pack',
      'decode images once, for runs to stream',
      'Decodes a tree of images, or ImageNet, once into shards that runs stream from.',
      [
        'pack imagenette2-160.tgz --out packed --size 128',
        'pack /data/ILSVRC2012 --out packed --size 128 --classes 100 --per-class 500',
        'pack my.yaml --out packed',
      ],
    ).argument('<path>', 'a tree of images, a folder or tar; or a config with data.dir'),
    context,
  );
  subcommand(
    'verify',
    'check every byte of one',
    'Reads all of a data set and compares digests and counts.',
    ['verify cifar10', 'verify packed'],
  )
    .argument('<name>', any)
    .option('--dir <path>', elsewhere)
    .action((name: string, flags: DataFlags) => verify(name, flags, context));
  subcommand(
    'show',
    'its counts, mean and classes, and a picture',
    'Shows counts, mean and standard deviation, and a picture on request, of a data set or of a path: packed images, a tree of images, ImageNet. Of a config: the first images of its first epoch as its network is given them, with true and given classes.',
    [
      'show cifar10 --png sheet.png',
      'show packed',
      'show imagetree --dir cats-and-dogs',
      'show random-labels --html batch.html',
      'show my.yaml corruption=gaussian regularization.augment=full --html batch.html',
    ],
  )
    .argument('<name>', `${any}; or a config`)
    .argument('[overrides...]', 'key.path=value over a config')
    .option('--dir <path>', elsewhere)
    .option(
      '--png <file>',
      'write a picture: ten training images of each class, or those of a config',
    )
    .option('--html <file>', 'of a config: write a page of its images, with their classes')
    .option('--images <n>', 'of a config: how many (32)', positiveInteger)
    .action((name: string, overrides: string[], flags: DataFlags) =>
      show(name, overrides, flags, context),
    );
  registerLabels(
    subcommand(
      'labels',
      'write those of a run, true and corrupted',
      'Writes the true and the corrupted labels of a run or config, for other programs: a row for each example of the source, in its order. A run is compared with its hashes first. The file can be given back as the labels of another config: corruption.kind=label-file corruption.file=FILE.',
      [
        'labels latest --out labels.npy',
        'labels noise.yaml corruption.fraction=0.2 --out labels.csv',
        'labels results/random-labels --out labels.csv --split test',
      ],
    ).argument('<run|config>', `${RUN}; or a config`),
    context,
  );
}

async function list(flags: DataFlags, context: CliContext): Promise<void> {
  const { listDatasets } = await import('../../data/inspect/list.js');
  const datasets = await listDatasets(flags);
  if (flags.json) {
    for (const dataset of datasets) emit(context, 'dataset', dataset);
    return;
  }
  context.stdout.write(listReport(datasets, roomOf(context.stdout)));
}

async function fetchNamed(name: string, flags: DataFlags, context: CliContext): Promise<void> {
  const { fetchDataset } = await import('../../data/published/fetch.js');
  const files = await watched(flags, context, (job) =>
    fetchDataset(name, { ...job, dataDir: flags.dataDir }),
  );
  if (flags.json) return emit(context, 'fetched', { name, files });
  context.stdout.write(fetchReport(files));
}

async function importPath(path: string, flags: DataFlags, context: CliContext): Promise<void> {
  const { importDataset } = await import('../../data/import/index.js');
  const { dataDir, force } = flags;
  const result = await watched(flags, context, (job) =>
    importDataset(path, { ...job, as: flags.as!, dataDir, force }),
  );
  if (flags.json) return emit(context, 'imported', result);
  context.stdout.write(prose(importReport(result), roomOf(context.stdout)));
}

async function verify(name: string, flags: DataFlags, context: CliContext): Promise<void> {
  const { verifyDataset } = await import('../../data/inspect/verify.js');
  const { dataDir, dir } = flags;
  const { isPack } = await import('../../data/shards/index-file.js');
  if (dir === undefined && isPack(name)) return verifyPacked(name, flags, context);
  const result = await watched(flags, context, (job) =>
    verifyDataset(name, { ...job, dataDir, dir }),
  );
  if (flags.json) return emit(context, 'verified', result);
  context.stdout.write(verifyReport(result, roomOf(context.stdout)));
}

async function verifyPacked(folder: string, flags: DataFlags, context: CliContext): Promise<void> {
  const { verifyPack } = await import('../../data/shards/verify.js');
  const result = await watched(flags, context, (job) => verifyPack(folder, job));
  if (flags.json) return emit(context, 'verified', result);
  context.stdout.write(prose(packVerifiedReport(result), roomOf(context.stdout)));
}

async function show(
  name: string,
  overrides: string[],
  flags: DataFlags,
  context: CliContext,
): Promise<void> {
  const { isConfigName } = await import('../../config/file/load.js');
  if (!isDataset(name) && isConfigName(name)) {
    const { showConfig } = await import('./show-config.js');
    return showConfig(name, overrides, flags, context);
  }
  const forConfigs = overrides[0] ?? (flags.html && '--html') ?? (flags.images && '--images');
  if (forConfigs !== undefined) {
    throw new RethinkError('usage', `${forConfigs} is for configs, and ${quoted(name)} is none.`, {
      hint: `A config says what is made of the data: rethink-gen data show random-labels data.name=cifar10 --html FILE`,
    });
  }
  const { showDataset } = await import('../../data/inspect/show.js');
  const { dataDir, dir, png } = flags;
  const shown = await watched(flags, context, (job) =>
    showDataset(name, { ...job, dataDir, dir, png }),
  );
  if (flags.json) return emit(context, 'dataset', shown);
  context.stdout.write(showReport(shown, roomOf(context.stdout)));
}
