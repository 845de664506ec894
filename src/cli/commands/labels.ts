import { type Command, Option } from 'commander';
import type { SplitName } from '../../data/types.js';
import { prose } from '../../text.js';
import type { CliContext } from '../context.js';
import { labelsReport } from '../show/data-report.js';
import { roomOf } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

interface LabelFlags {
  out: string;
  split: SplitName;
  dataDir?: string;
  json?: boolean;
}

/** `rethink-gen data labels RUN|CONFIG [key.path=value …] --out FILE` */
export function registerLabels(command: Command, context: CliContext): void {
  command
    .argument('[overrides...]', 'key.path=value over a config; of a run only where its data lies')
    .requiredOption(
      '--out <file>',
      'FILE.csv, or FILE.npy: a structured array for NumPy and PyTorch',
    )
    .addOption(
      new Option('--split <name>', 'which examples; test: as they would be, equally corrupted')
        .choices(['train', 'test'])
        .default('train'),
    )
    .action((given: string, overrides: string[], flags: LabelFlags) =>
      labels(given, overrides, flags, context),
    );
}

async function labels(
  given: string,
  overrides: string[],
  flags: LabelFlags,
  context: CliContext,
): Promise<void> {
  const { isConfigName } = await import('../../config/file/load.js');
  const work = isConfigName(given) ? ofConfig : ofRun;
  const written = await watched(flags, context, async ({ signal, events }) => {
    const { out, split, dataDir } = flags;
    return work(given, overrides, { out, split, dataDir, signal, events }, context);
  });
  if (flags.json) return emit(context, 'labels', written);
  context.stdout.write(prose(labelsReport(written), roomOf(context.stdout)));
}

type Options = Parameters<typeof import('../../run/labels.js').exportLabels>[1];

async function ofConfig(path: string, overrides: string[], options: Options, context: CliContext) {
  const { agreedConfig, loadExperiment } = await import('../../config/experiment.js');
  const { locatedConfig, startedHere } = await import('../../config/places.js');
  const { exportLabels } = await import('../../run/labels.js');
  const experiment = await loadExperiment(path, { overrides, env: context.env });
  const asked = ({ data, corruption, seeds }: (typeof experiment.trials)[0]['config']) => [
    data,
    corruption,
    seeds.data,
    seeds.corruption,
  ];
  const config = agreedConfig(experiment, asked, 'labels');
  return exportLabels(locatedConfig(config, startedHere()), options);
}

async function ofRun(given: string, places: string[], options: Options) {
  const { parseMoves } = await import('../../config/places.js');
  const { locateRun } = await import('../../sweep/locate.js');
  const { exportRunLabels } = await import('../../run/labels.js');
  return exportRunLabels(locateRun(given, 'run'), options, parseMoves(places));
}
