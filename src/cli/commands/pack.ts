import { type Command, Option } from 'commander';
import { hasOwnImages, OWN_NAMES, type OwnName } from '../../config/datasets.js';
import type { Config } from '../../config/resolve.js';
import { RethinkError } from '../../errors.js';
import { prose } from '../../text.js';
import type { CliContext } from '../context.js';
import { listOf, positiveInteger, wholeNumber } from '../options.js';
import { packReport } from '../show/data-report.js';
import { roomOf } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

interface PackFlags {
  out: string;
  size?: number;
  as?: OwnName;
  synsets?: string[];
  classes?: number;
  perClass?: number;
  testPerClass?: number;
  subsetSeed?: number;
  strict?: boolean;
  force?: boolean;
  json?: boolean;
}

const SMALLEST = 4;
const LARGEST = 1024;

/** `rethink-gen data pack PATH|CONFIG --out DIR --size N` */
export function registerPack(command: Command, context: CliContext): void {
  command
    .requiredOption('--out <dir>', 'the folder for the shards and their index')
    .option('--size <n>', 'side in pixels; default: data.size of a config', positiveInteger)
    .addOption(
      new Option('--as <name>', 'what the images are; default: what their layout says').choices(
        OWN_NAMES,
      ),
    )
    .option(
      '--synsets <names>',
      'only these classes',
      listOf((name: string) => name),
    )
    .option('--classes <n>', 'a seeded choice of this many classes', positiveInteger)
    .option('--per-class <n>', 'a seeded choice of training images of each', positiveInteger)
    .option('--test-per-class <n>', 'the same for test images', positiveInteger)
    .option('--subset-seed <n>', 'seed of the choice (0)', wholeNumber)
    .option('--strict', 'an image that cannot be decoded is an error')
    .option('--force', 'replace what was packed there before')
    .action((path: string, flags: PackFlags) => pack(path, flags, context));
}

async function pack(path: string, flags: PackFlags, context: CliContext): Promise<void> {
  const { packImages } = await import('../../data/shards/pack.js');
  const data = await dataOf(path, flags, context);
  const { out, strict, force } = flags;
  const size = sizeOf(flags.size ?? data.size);
  const result = await watched(flags, context, (job) =>
    packImages({ ...job, data, out, size, strict, force }),
  );
  if (flags.json) return emit(context, 'packed', result);
  context.stdout.write(prose(packReport(result), roomOf(context.stdout)));
}

/** The images that a path or a config names; flags go before the config. */
async function dataOf(path: string, flags: PackFlags, context: CliContext) {
  const { isConfigName } = await import('../../config/file/load.js');
  const given = isConfigName(path) ? await configured(path, context) : undefined;
  const dir = given?.dir ?? path;
  const { guessName } = await import('../../data/own.js');
  const name = flags.as ?? given?.name ?? guessName(dir);
  const { synsets, classes, perClass, testPerClass, subsetSeed: seed } = flags;
  const asked = Object.entries({ synsets, classes, perClass, testPerClass, seed }).filter(
    ([, value]) => value !== undefined,
  );
  const subset =
    asked.length === 0
      ? given?.subset
      : { seed: 0, ...given?.subset, ...Object.fromEntries(asked) };
  return { name, dir, size: given?.size, subset };
}

async function configured(path: string, context: CliContext) {
  const { loadExperiment } = await import('../../config/experiment.js');
  const { base, trials } = await loadExperiment(path, { env: context.env });
  const { locatedConfig, startedHere } = await import('../../config/places.js');
  const { data } = locatedConfig(base ?? trials[0]!.config, startedHere());
  const { name, dir } = data;
  if (hasOwnImages(name) && dir !== undefined) {
    return { ...data, name, dir } satisfies Config['data'];
  }
  const why = hasOwnImages(name) ? 'has no data.dir' : `has data.name ${name}`;
  throw new RethinkError('usage', `${path} ${why}, so there are no images to pack.`, {
    hint: `Only ${OWN_NAMES.join(' and ')} are packed: give the path of their images, or a config with data.name and data.dir.`,
  });
}

function sizeOf(size: number | undefined): number {
  if (size === undefined) {
    throw new RethinkError('usage', '--size is missing: the side of the packed images in pixels.', {
      hint: 'For example --size 128.',
    });
  }
  if (size >= SMALLEST && size <= LARGEST) return size;
  throw new RethinkError('usage', `--size is ${size}, and should be ${SMALLEST} to ${LARGEST}.`);
}
