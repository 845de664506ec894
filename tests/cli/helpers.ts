import { Writable } from 'node:stream';
import type {
  CliContext,
  Evaluator,
  Inspector,
  Runner,
  TimingStore,
} from '../../src/cli/context.js';
import { main } from '../../src/cli/index.js';
import { configHash } from '../../src/config/hash.js';
import type { Config } from '../../src/config/resolve.js';
import type { EpochRow, WrittenResult } from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A stream that remembers. */
export class Captured extends Writable {
  text = '';
  isTTY = false;
  columns = 100;

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** What a terminal shows of a text, line by line from the first one on: it knows what bars are drawn with. */
export function onScreen(text: string, columns = 100): string[] {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  const down = () => {
    row++;
    column = 0;
    rows[row] ??= '';
  };
  const tokens = text.match(/\p{Cc}\[\d*[A-Z]|\p{Cc}|\P{Cc}/gu) ?? [];
  for (const token of tokens) {
    if (token === '\n') down();
    else if (token === '\r') column = 0;
    else if (token.endsWith('A') && token.length > 1) {
      const up = Number(token.slice(2, -1));
      if (up > row) throw new Error('above the first row');
      row -= up;
    } else if (token === '\u001b[J') {
      rows.length = row + 1;
      rows[row] = rows[row]!.slice(0, column);
    } else {
      if (column === columns) down();
      rows[row] = rows[row]!.slice(0, column) + token + rows[row]!.slice(column + 1);
      column++;
    }
  }
  return rows.at(-1) === '' ? rows.slice(0, -1) : rows;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  runner?: Runner;
  inspector?: Inspector;
  evaluator?: Evaluator;
  timings?: TimingStore;
  env?: CliContext['env'];
  tty?: boolean;
  /** What a person answers; default: nobody is there. */
  answer?: string;
  /** Of both streams; stdout is no terminal without. */
  columns?: number;
}

/** Runs a command line in this process and keeps what it prints. */
export async function cli(argv: string[], options: CliOptions = {}): Promise<Outcome> {
  const stdout = new Captured();
  const stderr = new Captured();
  stderr.isTTY = options.tty ?? false;
  if (options.columns !== undefined) {
    stdout.isTTY = true;
    stdout.columns = stderr.columns = options.columns;
  }
  // What a sweep writes must not land in the checkout.
  const runs = argv[0] === 'run' && !argv.includes('--out');
  const code = await main(runs ? [...argv, '--out', temporaryFolder()] : argv, {
    stdout,
    stderr,
    env: options.env ?? {},
    loadRunner: async () => options.runner ?? fakeRunner(),
    ...(options.evaluator ? { loadEvaluator: async () => options.evaluator! } : {}),
    loadInspector: async () =>
      options.inspector ?? {
        parameters: async () => 1_649_402,
        missing: async () => [],
        flops: async () => 1e9,
      },
    loadTimings: async () => options.timings ?? { read: () => [], note() {} },
    ask: async () => options.answer ?? null,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

export function epochRow(values: Partial<EpochRow> = {}): EpochRow {
  return {
    epoch: 2,
    step: 30,
    seconds: 61,
    images_per_second: 1234.5,
    learning_rate: 0.01,
    train_loss: 0.0123,
    train_accuracy: 1,
    test_loss: 3,
    test_accuracy: 0.1,
    generalization_gap: 0.9,
    true_label_accuracy: 0.11,
    corrupted_accuracy: 1,
    clean_accuracy: null,
    weight_norm: 12,
    ...values,
  };
}

export function runResult(config: Config, values: Partial<WrittenResult> = {}): WrittenResult {
  const last = values.last === undefined ? epochRow() : values.last;
  return {
    name: config.name,
    config_hash: configHash(config),
    outcome: 'fitted',
    converged: true,
    epochs: 2,
    steps: 30,
    seconds: 61,
    parameters: 1_209_866,
    schedule: { batch_size: 128, steps_per_epoch: 15, decay_every: 39 },
    last,
    best: last,
    reached: {
      'accuracy_0.95': { epoch: 1, step: 15, seconds: 30 },
      'accuracy_0.99': { epoch: 2, step: 30, seconds: 61 },
      'accuracy_0.999': null,
      accuracy_1: null,
      'loss_0.1': null,
      'loss_0.01': null,
    },
    diverged_at: null,
    engine: { name: 'wasm', version: '4.22.0', device: 'cpu', precision: 'float32', mode: 'eager' },
    data: {
      name: 'synthetic',
      origin: 'generated',
      hash: 'abc',
      train: 2000,
      test: 1000,
      full_train: 5000,
      full_test: 1000,
      classes: 10,
    },
    label_noise: 0.9,
    ...values,
  };
}

/** A runner that trains nothing: it tells the events of two epochs and gives the results it is told to. */
export function fakeRunner(
  results: (config: Config) => Partial<WrittenResult> = () => ({}),
  seen: unknown[] = [],
): Runner {
  return {
    async runExperiment(config, options = {}) {
      seen.push({ config, ...options });
      const result = runResult(config, results(config));
      const runDir = `results/${config.name}/20261124-101500-${result.config_hash.slice(0, 8)}`;
      options.events?.note?.('engine wasm: nothing native is installed');
      options.events?.preparing?.({
        what: 'reading synthetic',
        done: 0,
        total: 10,
        unit: 'images',
      });
      options.events?.preparing?.({
        what: 'reading synthetic',
        done: 10,
        total: 10,
        unit: 'images',
      });
      options.events?.started?.({
        runDir,
        config,
        dataset: {
          name: 'synthetic',
          height: 32,
          width: 32,
          channels: 3,
          classes: ['a'],
          counts: { train: 5000, test: 1000 },
          origin: 'generated',
        },
        trainCount: 2000,
        testCount: 1000,
        parameters: result.parameters,
        engine: result.engine,
        stepsPerEpoch: 15,
        epochsDone: 0,
        labelNoise: result.label_noise,
      });
      for (const epoch of [1, 2]) {
        options.events?.steps?.({
          epoch,
          stepInEpoch: 15,
          stepsPerEpoch: 15,
          loss: 0.5,
          imagesPerSecond: 1000,
        });
        options.events?.epoch?.(epochRow({ epoch }));
      }
      options.events?.finished?.(result, runDir);
      return { result, runDir };
    },
    resumeRun: () => Promise.reject(new Error('not in this test')),
  };
}
