import { type Experiment, loadExperiment, type Trial } from '../../src/config/experiment.js';
import type { RunEvents } from '../../src/setup/events.js';
import { type SweepDefinition, sweepOf } from '../../src/sweep/directory.js';
import type { SweepWatcher } from '../../src/sweep/options.js';
import type { TrialRecord } from '../../src/sweep/types.js';

/** A small network on synthetic data, on the engine that every machine has: under a second. */
export const TINY = {
  name: 'tiny',
  data: { name: 'synthetic', limit: 60, testLimit: 20 },
  model: { name: 'mlp', hidden: [4] },
  train: { epochs: 2, batchSize: 20, stop: 'never' },
  engine: { name: 'wasm' },
  record: { tensorboard: false },
};

export async function sweep(
  block: object,
  changes: object = {},
): Promise<{ definition: SweepDefinition; experiment: Experiment; trials: Trial[] }> {
  const experiment = await loadExperiment({ ...TINY, ...changes, sweep: block });
  return { definition: sweepOf(experiment), experiment, trials: experiment.trials };
}

/** A watcher that remembers. */
export class Remembering implements SweepWatcher {
  toRun: number | undefined;
  readonly begun: string[] = [];
  readonly endings: TrialRecord[] = [];
  readonly notes: string[] = [];

  constructor(private readonly events: (trial: Trial) => RunEvents = () => ({})) {}

  started(_records: readonly TrialRecord[], toRun: number): void {
    this.toRun = toRun;
  }
  trial(trial: Trial) {
    this.begun.push(trial.label);
    return { events: this.events(trial), close() {} };
  }
  ended(record: TrialRecord): void {
    this.endings.push(record);
  }
  note(message: string): void {
    this.notes.push(message);
  }
}

/** Rows of a CSV file without quoted line feeds, as objects. */
export function csvRows(text: string): Record<string, string>[] {
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .slice(0, -1)
        .map(([, cell = '']) =>
          cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell,
        ),
    );
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ''])));
}
