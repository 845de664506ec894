import { join } from 'node:path';
import type { Confirm } from '../disk/files.js';
import {
  EPOCH_COLUMNS,
  type EpochRow,
  epochColumns,
  epochRow,
  type RowOption,
  STEP_COLUMNS,
  type StepRow,
  stepRow,
} from '../results/training.js';
import type { Evaluation } from '../train/evaluate.js';
import type { Checkpoint, Recorder } from '../train/types.js';
import { type CheckpointMeta, saveCheckpoint } from './checkpoint.js';
import { writeExampleEpoch } from './examples.js';
import type { Heartbeat } from './status.js';
import {
  appendJsonLine,
  CsvTable,
  metricsCsvPath,
  metricsJsonlPath,
  stepsCsvPath,
} from './tables.js';
import { EventFile, eventsPath } from './tensorboard.js';

export interface RecorderOptions extends Record<RowOption, boolean> {
  /** Goes into every checkpoint. */
  meta: CheckpointMeta;
  /** Write `steps.csv`. */
  steps: boolean;
  /** Write TensorBoard events. */
  tensorboard: boolean;
  /** Write a file of every evaluated epoch's examples. */
  examples?: boolean;
}

/**
 * Writes what the loop tells into a run directory. Rows are on the disk before the checkpoint that counts on them.
 */
export class DirectoryRecorder implements Recorder {
  private readonly columns: readonly (keyof EpochRow)[];
  private readonly epochTable: CsvTable<EpochRow>;
  private readonly stepTable: CsvTable<StepRow> | null;
  private readonly events: EventFile | null;

  /**
   * @param confirm Throws where the run is no longer this process's: before each row and checkpoint.
   * @throws RethinkError (`failed`) where the disk refuses.
   */
  constructor(
    private readonly directory: string,
    private readonly heartbeat: Heartbeat,
    private readonly options: RecorderOptions,
    private readonly confirm: Confirm,
  ) {
    this.columns = epochColumns(options);
    this.epochTable = new CsvTable(metricsCsvPath(directory), this.columns, { confirm });
    this.stepTable = options.steps
      ? new CsvTable(stepsCsvPath(directory), STEP_COLUMNS, { confirm })
      : null;
    this.events = options.tensorboard ? new EventFile(eventsPath(directory), confirm) : null;
  }

  steps(rows: StepRow[]): void {
    this.stepTable?.append(rows.map((row) => stepRow.written(row)));
    const last = rows.at(-1);
    // The step belongs to an epoch that is not completed.
    if (last !== undefined) this.heartbeat.moveTo({ epoch: last.epoch - 1, step: last.step });
  }

  examples(epoch: number, evaluation: Evaluation): void {
    if (this.options.examples) {
      writeExampleEpoch(this.directory, { epoch, ...evaluation }, this.confirm);
    }
  }

  epoch(row: EpochRow): void {
    this.check(row);
    this.epochTable.append([row]);
    this.epochTable.sync();
    appendJsonLine(metricsJsonlPath(this.directory), row, this.confirm);
    this.events?.append(row);
    this.heartbeat.moveTo(row);
    this.heartbeat.write('running', null);
  }

  /** @throws TypeError where a column is unknown, missing, or was not asked for: a bug. */
  private check(row: EpochRow): void {
    epochRow.written(row);
    const given = EPOCH_COLUMNS.filter((column) => row[column] !== undefined);
    if (given.join() === this.columns.join()) return;
    throw new TypeError(`a row has ${given.join(', ')}, and not ${this.columns.join(', ')}`);
  }

  checkpoint(checkpoint: Checkpoint, isBest: boolean): void {
    this.stepTable?.sync();
    this.heartbeat.moveTo(checkpoint.progress);
    const folder = join(this.directory, 'checkpoints');
    const save = (kind: 'last' | 'best') =>
      saveCheckpoint(folder, kind, checkpoint, this.options.meta, this.confirm);
    // `last` remembers which epoch was best: killed in between, it must not know of one that was never written.
    if (isBest) save('best');
    save('last');
  }
}
