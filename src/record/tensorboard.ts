import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { diskError } from '../disk/errors.js';
import { requireOwn } from '../disk/own-file.js';
import { type OpenFile, withOpenFile } from '../disk/reading.js';
import type { ScalarWriter } from '../engines/types.js';
import { messageOf, RethinkError } from '../errors.js';
import type { EpochRow } from '../results/training.js';
import { foreign } from './tables.js';

/** Where a run directory keeps its event files. */
export const eventsPath = (runDir: string) => join(runDir, 'tensorboard');

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
 * How much of each event file stays where a resumed run will do the steps past `step` again, so that a curve has one
 * value a step: TensorBoard itself would draw both. Changes nothing.
 *
 * @param runDir Of a run that may have no events.
 * @throws RethinkError: `data` where a file is a link, has another name elsewhere or is none of events; `failed` where the
 * disk refuses.
 */
export function eventCuts(runDir: string, step: number): { path: string; size: number }[] {
  const directory = eventsPath(runDir);
  if (!existsSync(directory)) return [];
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw diskError(error, 'read', directory);
  }
  const paths = names
    .filter((name) => name.includes('.tfevents.'))
    .map((name) => join(directory, name));
  return paths.flatMap((path) => {
    requireOwn(path);
    const size = withOpenFile(path, (file) => {
      requireEvents(file);
      return bytesUpTo(file, step);
    });
    return size === null ? [] : [{ path, size }];
  });
}

/** Every file begins with a short event of its version, after the time: the bytes that are the same in all of them. */
const FIRST_EVENT: [at: number, bytes: Buffer][] = [
  [1, Buffer.alloc(7)],
  [12, Buffer.from([0x09])],
  [21, Buffer.from('\u001a\u000dbrain.Event:2')],
];

/** @throws RethinkError (`data`) where the file is not one of events: cutting it could lose anything. */
function requireEvents(file: OpenFile): void {
  // Less is there where the first event was torn.
  const start = Buffer.alloc(Math.min(file.size, 64));
  file.readInto(start, 0);
  const is = ([at, bytes]: (typeof FIRST_EVENT)[number]) => {
    const found = start.subarray(at, at + bytes.length);
    return found.equals(bytes.subarray(0, found.length));
  };
  if (!FIRST_EVENT.every(is)) throw foreign(file.path, start.toString('latin1'));
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
