import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import type { BenchRequest } from '../../bench/plan.js';
import type { BenchCase, Measurement } from '../../bench/types.js';
import { ENGINES, PRECISIONS } from '../../config/engines.js';
import { CIFAR, MODEL_NAMES, modelsWhere } from '../../config/models.js';
import { ENGINE_KINDS } from '../../engines/table.js';
import { isInterruption, messageOf, printable, RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import type { CliContext, ExitWith } from '../context.js';
import {
  countOrAll,
  listOf,
  oneOf,
  positiveInteger,
  positiveNumber,
  wholeNumber,
} from '../options.js';
import {
  type BenchOutcome,
  benchConditions,
  benchHeading,
  benchRow,
  dataHeading,
  dataRow,
} from '../show/bench-report.js';
import { roomOf } from '../show/table.js';
import { emit } from '../watch/json-events.js';
import { Screen } from '../watch/screen.js';
import { interruptible } from '../watch/signals.js';

/** Measured unless others are asked for: all but what is made for large images. */
const ON_CIFAR = modelsWhere(({ images }) => images === CIFAR);
const SHORT = modelsWhere(({ shortSteps }) => shortSteps);
const SLOW = ENGINES.filter((name) => ENGINE_KINDS[name].auto === 'last');

interface BenchFlags {
  model?: BenchRequest['models'];
  engine?: BenchRequest['engines'];
  precision?: BenchRequest['precisions'];
  eager?: boolean;
  batch: number;
  seconds: number;
  rounds: number;
  threads?: number;
  device: number;
  devices?: BenchRequest['devices'];
  data?: string | true;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  rethink-gen bench
  rethink-gen bench --model mlp --engine tensorflow,wasm
  rethink-gen bench --model inception --precision float32,bfloat16 --seconds 20
  rethink-gen bench --data cats-and-dogs.tar.gz
  rethink-gen bench --data packed

Training goes through the loop of a run, on random bytes; warm-up and compiling are outside the clock.
scripts/bench in the package compares the same steps with PyTorch and JAX.`;

/** `rethink-gen bench`: exit code 1 where something could not be measured. */
export function registerBenchCommand(program: Command, context: CliContext, exit: ExitWith): void {
  program
    .command('bench')
    .summary('images per second, engine by engine, model by model')
    .description(
      'Measures training and evaluation of each model on each engine, each in a process of its own; or with --data what prepares the images.',
    )
    .option(
      '--model <names>',
      `${MODEL_NAMES.join(', ')}; default: those for images of ${CIFAR.side}×${CIFAR.side}, ${ON_CIFAR.join(', ')}`,
      listOf(oneOf(MODEL_NAMES)),
    )
    .option(
      '--engine <names>',
      `${ENGINES.join(', ')}; default: all that are usable here (${SLOW.join(', ')} with ${SHORT.join(', ')} only)`,
      listOf(oneOf(ENGINES)),
    )
    .option(
      '--precision <names>',
      `${PRECISIONS.join(', ')} (slower on CPUs without AVX512_BF16 or AMX); default: float32`,
      listOf(oneOf(PRECISIONS)),
    )
    .option('--eager', 'op by op instead of compiled')
    .option('--batch <n>', 'images in a batch', positiveInteger, 128)
    .option('--seconds <s>', 'of training in a round', positiveNumber, 5)
    .option('--rounds <n>', 'of which medians are taken', positiveInteger, 3)
    .option('--threads <n>', 'CPU threads (default: all)', positiveInteger)
    .option('--device <n>', 'index of the GPU', wholeNumber, 0)
    .option('--devices <n>', 'GPUs that share every batch, or all (xla)', countOrAll)
    .option(
      '--data [path]',
      'preparing batches, and decoding the images of a tree or a config, or reading them as packed',
    )
    .option('--json', 'a line of JSON for each measurement')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => {
      const measure = flags.data === undefined ? engines : data;
      exit(await interruptible(context, (signal) => measure(flags, context, signal)));
    });
}

async function engines(
  flags: BenchFlags,
  context: CliContext,
  signal: AbortSignal,
): Promise<number> {
  const [{ planCases }, { measureInChild }, { listEngines }, { describeEnvironment }] =
    await Promise.all([
      import('../../bench/plan.js'),
      import('../../bench/process.js'),
      import('../../engines/index.js'),
      import('../../machine/environment.js'),
    ]);
  const { model, engine, precision = ['float32'], eager = false, batch, ...rest } = flags;
  const models = model ?? ON_CIFAR;
  const request = {
    ...rest,
    eager,
    models,
    engines: engine,
    precisions: precision,
    batchSize: batch,
  };
  const cases = planCases(request, await listEngines());
  const machine = await describeEnvironment();
  if (flags.json) emit(context, 'machine', machine);
  const { stdout, stderr } = context;
  const width = roomOf(stdout);
  const told = new Set<string>();
  // Most of what they have to say is the same for all cases.
  const note = (message: string) => {
    if (!told.has(message)) stderr.write(`${printable(message)}\n`);
    told.add(message);
  };
  const outcomes: BenchOutcome[] = [];
  if (!flags.json) stdout.write(benchHeading(width));
  for (const [i, bench] of cases.entries()) {
    const underWay = `${i + 1}/${cases.length} ${bench.model}, ${bench.engine.name} …`;
    if (stderr instanceof Screen) stderr.show([underWay]);
    else stderr.write(`${underWay}\n`);
    const outcome = await measured(bench, () => measureInChild(bench, { note, signal })).finally(
      () => {
        if (stderr instanceof Screen) stderr.show([]);
      },
    );
    outcomes.push(outcome);
    tell(outcome, flags, context);
    // What was printed may be lost by now.
    await setImmediate();
    throwIfInterrupted(signal, 'measuring');
  }
  if (!flags.json) stdout.write(benchConditions(outcomes, machine, width));
  return outcomes.some((outcome) => 'problem' in outcome) ? 1 : 0;
}

/** One that can't be measured must not keep the others from it. */
async function measured(
  bench: BenchCase,
  measure: () => Promise<Measurement>,
): Promise<BenchOutcome> {
  try {
    return { bench, measurement: await measure() };
  } catch (error) {
    if (!(error instanceof RethinkError) || isInterruption(error)) throw error;
    return { bench, problem: [messageOf(error), error.hint].filter(Boolean).join(' ') };
  }
}

function tell(outcome: BenchOutcome, { json }: BenchFlags, context: CliContext): void {
  if (!json) context.stdout.write(benchRow(outcome, roomOf(context.stdout)));
  else if ('measurement' in outcome) emit(context, 'measurement', outcome.measurement);
  if (!('problem' in outcome)) return;
  const { bench, problem } = outcome;
  if (json) emit(context, 'failed', { model: bench.model, engine: bench.engine, problem });
  else context.stderr.write(`${bench.model}, ${bench.engine.name}: ${printable(problem)}\n`);
}

async function data(flags: BenchFlags, context: CliContext, signal: AbortSignal): Promise<number> {
  const { measureData } = await import('../../bench/data.js');
  const tree = flags.data === true ? undefined : flags.data;
  // Not before something could be measured.
  let heading = dataHeading();
  for await (const measurement of measureData(tree, flags.batch, flags, signal)) {
    if (flags.json) emit(context, 'data', measurement);
    else context.stdout.write(`${heading}${dataRow(measurement)}`);
    heading = '';
  }
  return 0;
}
