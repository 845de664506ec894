import { type Command, Option } from 'commander';
import { deviceName } from '../../engines/devices.js';
import type { Measures } from '../../results/measures.js';
import type { RunEvaluation, SplitEvaluation } from '../../run/evaluate.js';
import { locateRun } from '../../sweep/locate.js';
import { grouped, percent } from '../../text.js';
import type { CliContext, ExitWith } from '../context.js';
import {
  addConfigOptions,
  addOutputOptions,
  type ConfigOptions,
  dataDirOption,
  type OutputOptions,
  optionOverrides,
  RUN,
} from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { watched } from '../watch/job.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen evaluate results/random-labels/20261124T101530Z-1a2b3c4d
  rethink-gen evaluate latest corruption=none
  rethink-gen evaluate RUN_DIR corruption=gaussian data.testLimit=1000 --checkpoint best
  rethink-gen evaluate RUN_DIR --measures
  rethink-gen evaluate RUN_DIR --examples predictions.csv --weights weights.safetensors

The network is that of the run; keys of data, corruption, seed, seeds and engine may be changed.`;

interface EvaluateFlags extends OutputOptions, ConfigOptions {
  dataDir?: string;
  checkpoint: 'last' | 'best';
  examples?: string;
  weights?: string;
  measures?: boolean;
}

/** `rethink-gen evaluate RUN_DIR [key.path=value …]` */
export function registerEvaluateCommand(
  program: Command,
  context: CliContext,
  exit: ExitWith,
): void {
  const command = program
    .command('evaluate')
    .summary('evaluate and export the weights of a run')
    .description(
      "Evaluates a run's weights on its own data and corruption, or on others, and exports them.",
    )
    .argument('<run-dir>', RUN)
    .argument('[overrides...]', "key.path=value, over the run's config")
    .addOption(
      new Option(
        '--checkpoint <which>',
        'weights of the last epoch, or of the best by test accuracy',
      )
        .choices(['last', 'best'])
        .default('last'),
    )
    .option('--examples <file>', 'write labels, predictions and losses there, as CSV')
    .option('--measures', 'norms, margins and sharpness of the network, too: takes longer')
    .option('--weights <file>', 'write the weights there, as safetensors')
    .addOption(dataDirOption());
  addConfigOptions(command);
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action(async (runDir: string, overrides: string[], flags: EvaluateFlags) => {
    exit(await evaluate(runDir, overrides, flags, context));
  });
}

async function evaluate(
  runDir: string,
  overrides: string[],
  flags: EvaluateFlags,
  context: CliContext,
): Promise<number> {
  const evaluation = await watched(flags, context, async ({ signal, events }) => {
    const { evaluateRun } = await context.loadEvaluator();
    const { checkpoint, examples, weights, measures, dataDir } = flags;
    return evaluateRun(locateRun(runDir, 'run'), {
      overrides: [...overrides, ...optionOverrides(flags)],
      checkpoint,
      examples,
      weights,
      measures,
      dataDir,
      events,
      signal,
    });
  });
  if (flags.json) emit(context, 'evaluation', evaluation);
  else context.stdout.write(await evaluationText(evaluation, roomOf(context.stdout)));
  return 0;
}

async function evaluationText(
  { train, test, ...rest }: RunEvaluation,
  width: number,
): Promise<string> {
  const { engine, data, corruption } = rest;
  const kinds = corruption.map(({ kind, fraction }) =>
    fraction === 1 ? kind : `${kind} ${fraction}`,
  );
  const facts = [
    ['weights', `${rest.checkpoint} checkpoint: epoch ${rest.epoch}, step ${grouped(rest.step)}`],
    ['data', `${data.name} (${data.origin}), ${kinds.join(' + ') || 'true labels'}`],
    [
      'engine',
      `${engine.name} ${engine.version} on ${deviceName(engine)}, ${engine.precision}, ${engine.mode}`,
    ],
    ['run', shownPath(rest.run_dir)],
  ];
  const measured =
    rest.measures === undefined ? '' : `${await measuresTable(rest.measures, width)}\n`;
  return `${splitTable({ train, test }, width)}\n${measured}${table(facts, [1], { width })}`;
}

async function measuresTable(measures: Measures, width: number): Promise<string> {
  const { MEASURE_NAMES, MEASURES } = await import('../../results/measures.js');
  const rows = MEASURE_NAMES.map((name) => [
    name,
    measures[name]?.toPrecision(6) ?? '–',
    measures.absent[name] ?? MEASURES[name].label,
  ]);
  return table([['measure', '', ''], ...rows], [2], { width, header: true });
}

/** Train is measured against the labels trained on, test against the true ones; the other columns say how it would be otherwise. */
function splitTable(splits: Record<'train' | 'test', SplitEvaluation>, width: number): string {
  const top5 = splits.train.top5_accuracy !== undefined;
  const parts = Object.values(splits).some((split) => split.corrupted_accuracy !== null);
  const header = [
    ...['', 'images', 'loss', 'accuracy', 'true labels', 'corrupted labels'],
    ...(parts ? ['corrupted part', 'clean part'] : []),
    ...(top5 ? ['top 5'] : []),
  ];
  const rows = Object.entries(splits).map(([name, split]) => [
    name,
    grouped(split.count),
    split.loss.toPrecision(4),
    percent(split.accuracy),
    percent(split.true_label_accuracy),
    percent(split.corrupted_label_accuracy),
    ...(parts ? [percent(split.corrupted_accuracy), percent(split.clean_accuracy)] : []),
    ...(top5 ? [percent(split.top5_accuracy)] : []),
  ]);
  return table([header, ...rows], [], { width, header: true });
}
