import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { diskError } from '../disk/errors.js';
import { truncateTo } from '../disk/files.js';
import { type OpenFile, withOpenFile } from '../disk/reading.js';
import type { ScalarWriter } from '../engines/types.js';
import { messageOf, RethinkError } from '../errors.js';
import type { EpochRow } from '../results/training.js';

/** Opens a writer; each session of a run gets a new event file. */
export type OpenScalarWriter = (directory: string) => ScalarWriter;

/**
 * Writes a row's numbers under the names of their columns, over the step.
 *
 * @throws RethinkError (`failed`) naming the folder.
 */
export function writeScalars(writer: ScalarWriter, row: EpochRow, directory: string): void {
  try {
    for (const [column, value] of Object.entries(row)) {
      if (column === 'epoch' || column === 'step' || typeof value !== 'number') continue;
      writer.scalar(column, value, row.step);
    }
    writer.flush();
  } catch (error) {
    throw new RethinkError(
      'failed',
      `Could not write TensorBoard events to ${directory}: ${messageOf(error)}.`,
      { hint: 'record.tensorboard=false does without.', cause: error },
    );
  }
}

/**
 * Cuts the events of steps that a resumed run will do again, so that a curve has one value a step: TensorBoard itself would
 * draw both.
 *
 * @param step The last one that stays.
 * @throws RethinkError (`failed`) where the disk refuses.
 */
export function cutEvents(directory: string, step: number): void {
  if (!existsSync(directory)) return;
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw diskError(error, 'read', directory);
  }
  for (const name of names.filter((name) => name.includes('.tfevents.'))) {
    const path = join(directory, name);
    const size = withOpenFile(path, (file) => bytesUpTo(file, step));
    if (size !== null) truncateTo(path, size);
  }
}

/** Of a record: length (8 bytes), its checksum (4), the event, its checksum (4). */
const BEFORE = 12;
const AFTER = 4;
/** Time (tag and 8 bytes) and step (tag and at most 10 bytes), which TensorFlow writes first. */
const EVENT_START = 20;

/** Where the first torn event or the first one past `step` begins; `null` where there is none. */
function bytesUpTo(file: OpenFile, step: number): number | null {
  let position = 0;
  while (position < file.size) {
    if (position + BEFORE > file.size) return position;
    const head = Buffer.alloc(Math.min(BEFORE + EVENT_START, file.size - position));
    file.readInto(head, position);
    const next = BigInt(position + BEFORE + AFTER) + head.readBigUInt64LE();
    if (next > BigInt(file.size)) return position;
    if (stepOf(head.subarray(BEFORE)) > step) return position;
    position = Number(next);
  }
  return null;
}

/** The step of an event in protocol buffer encoding: field 2, after the time, left out where it is 0. */
function stepOf(event: Buffer): number {
  const TIME = 0x09;
  const STEP = 0x10;
  let at = event[0] === TIME ? 9 : 0;
  if (event[at++] !== STEP) return 0;
  let step = 0;
  for (let scale = 1; at < event.length; scale *= 128) {
    const byte = event[at++]!;
    step += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return step;
}
