import { type Command, Option } from 'commander';
import type { RunEvaluation, SplitEvaluation } from '../evaluate-run.js';
import type { CliContext } from './context.js';
import { emit } from './json-events.js';
import {
  addConfigOptions,
  addOutputOptions,
  type ConfigOptions,
  dataDirOption,
  type OutputOptions,
  optionOverrides,
} from './options.js';
import { listenForInterruption } from './signals.js';
import { count, percent, table } from './table.js';
import { createWatcher } from './watch.js';

const EXAMPLES = `
Examples:
  rethink-gen evaluate results/random-labels/20261124T101530Z-1a2b3c4d
  rethink-gen evaluate RUN_DIR --checkpoint best --examples predictions.csv
  rethink-gen evaluate RUN_DIR corruption.kind=gaussian data.testLimit=1000
  rethink-gen evaluate RUN_DIR --weights network.safetensors

Overrides are keys of data, corruption, seed, seeds and engine; the network itself is fixed.`;

interface EvaluateOptions extends OutputOptions, ConfigOptions {
  checkpoint: 'last' | 'best';
  examples?: string;
  weights?: string;
  dataDir?: string;
}

/** `rethink-gen evaluate RUN_DIR [key.path=value …]` */
export function registerEvaluateCommand(program: Command, context: CliContext): void {
  const command = program
    .command('evaluate')
    .summary("evaluate a run's network, on its own data or on others")
    .description(
      'Evaluates the weights of a run on any data and corruption, and exports weights and labels.',
    )
    .argument('<run-dir>', 'the directory of the run')
    .argument('[overrides...]', 'key.path=value, over the config of the run')
    .addOption(
      new Option(
        '--checkpoint <which>',
        'weights of the last epoch, or of the best by test accuracy',
      )
        .choices(['last', 'best'])
        .default('last'),
    )
    .option('--examples <file.csv>', 'write labels, predictions and losses, example by example')
    .option('--weights <file.safetensors>', 'write parameters and BatchNorm statistics')
    .addOption(dataDirOption());
  addConfigOptions(command);
  addOutputOptions(command).addHelpText('after', EXAMPLES);
  command.action(async (runDir: string, overrides: string[], options: EvaluateOptions) => {
    await evaluate(runDir, overrides, options, context);
  });
}

async function evaluate(
  runDir: string,
  overrides: string[],
  options: EvaluateOptions,
  context: CliContext,
): Promise<void> {
  const interruption = listenForInterruption(context);
  const watcher = createWatcher(context, options);
  try {
    const { evaluateRun } = await import('../evaluate-run.js');
    const evaluation = await evaluateRun(runDir, {
      overrides: [...overrides, ...optionOverrides(options)],
      checkpoint: options.checkpoint,
      examples: options.examples,
      weights: options.weights,
      dataDir: options.dataDir,
      events: watcher.events,
      signal: interruption.signal,
    });
    watcher.close();
    if (options.json) emit(context, 'evaluation', evaluation);
    else context.stdout.write(evaluationTable(evaluation));
  } finally {
    watcher.close();
    interruption.dispose();
  }
}

/** What a network makes of both splits, against the labels of the split, the true and the corrupted ones. */
export function evaluationTable(evaluation: RunEvaluation): string {
  const row = (name: string, split: SplitEvaluation) => [
    name,
    count(split.count),
    split.loss.toFixed(4),
    percent(split.accuracy),
    percent(split.true_label_accuracy),
    percent(split.corrupted_label_accuracy),
  ];
  const { checkpoint, epoch, step } = evaluation;
  return (
    `${checkpoint} checkpoint, epoch ${epoch}, step ${count(step)}\n\n` +
    table([
      ['split', 'examples', 'loss', 'accuracy', 'true labels', 'corrupted labels'],
      row('train', evaluation.train),
      row('test', evaluation.test),
    ])
  );
}
