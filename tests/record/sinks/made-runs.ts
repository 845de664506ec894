import { RunDirectory } from '../../../src/record/run-directory.js';
import type { EpochRow, WrittenResult } from '../../../src/results/training.js';
import { checkpointAt, epochRow, RESULT, recorderOf } from '../fake-run.js';

/** A run that has written some rows, and is still held. */
export function runningRun(root: string, rows: EpochRow[], config: object = {}): RunDirectory {
  const directory = RunDirectory.create(root, 'made', '0123456789', {
    config: { name: 'made', ...config },
  });
  const recorder = recorderOf(directory);
  for (const row of rows) recorder.epoch(row);
  return directory;
}

/** One that has ended as `RESULT` says. */
export function finishedRun(root: string, rows: EpochRow[], config: object = {}): string {
  const directory = runningRun(root, rows, config);
  endRun(directory, rows);
  return directory.path;
}

export function endRun(directory: RunDirectory, rows: EpochRow[]): void {
  const last = rows.at(-1)!;
  const result: WrittenResult = { ...RESULT, last, epochs: last.epoch, steps: last.step };
  directory.writeResult(result);
  directory.close('finished');
}

/** Cuts a run back to an epoch, as resuming it does, and writes other rows. */
export async function redo(path: string, epoch: number, rows: EpochRow[]): Promise<void> {
  const directory = await RunDirectory.open(path);
  directory.cutAfter(checkpointAt(epoch).progress);
  const recorder = recorderOf(directory);
  for (const row of rows) recorder.epoch(row);
  endRun(directory, rows);
}

/** Rows of epochs, from the first to the last. */
export const rowsOf = (first: number, last: number): EpochRow[] =>
  Array.from({ length: last - first + 1 }, (_, i) => epochRow(first + i));
