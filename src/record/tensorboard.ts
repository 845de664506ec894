import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { diskError } from '../disk/errors.js';
import {
  appendDurably,
  type Confirm,
  ensureFolder,
  syncFolder,
  uniqueMark,
} from '../disk/files.js';
import { requireOwn } from '../disk/own-file.js';
import { type OpenFile, withOpenFile } from '../disk/reading.js';
import { bytes, double, type Field, float, integer } from '../protobuf.js';
import type { EpochRow, StoredEpochRow } from '../results/training.js';
import { foreign } from './tables.js';

/** Where a run directory keeps its event files. */
export const eventsPath = (runDir: string) => join(runDir, 'tensorboard');

/** TensorBoard takes a file for one of events that has this in its name. */
const MARK = '.tfevents.';

/**
 * The TensorBoard events of one session of a run, in a file of its own that is made with the first row: records as
 * TFRecord frames them, each a `tensorflow.Event`.
 */
export class EventFile {
  private path: string | undefined;

  constructor(
    private readonly directory: string,
    private readonly confirm?: Confirm,
  ) {}

  /**
   * Appends a row's numbers under the names of their columns, over the step, durably.
   *
   * @throws RethinkError (`failed`) where the disk refuses; no part of the row is left behind then.
   */
  append(row: EpochRow): void {
    const record = rowRecord(row, Date.now());
    if (this.path === undefined) this.path = this.create(record);
    else appendDurably(this.path, record, this.confirm);
  }

  /** A new file with its first record. Only its name says what it is, so no other name is used in between. */
  private create(record: Buffer): string {
    ensureFolder(this.directory);
    const path = join(this.directory, nextName(this.directory));
    appendDurably(path, Buffer.concat([firstRecord(Date.now()), record]), this.confirm);
    try {
      syncFolder(this.directory);
    } catch (error) {
      throw diskError(error, 'write', path);
    }
    return path;
  }
}

/**
 * TensorBoard reads files in the order of their names and never goes back to an earlier one, so each says a later second
 * than those that are there, whatever the clocks of the machines that a run has been on.
 */
function nextName(directory: string): string {
  const taken = eventFiles(directory).map((name) => Number(name.split(MARK)[1]!.split('.')[0]));
  const latest = Math.max(0, ...taken.filter(Number.isSafeInteger));
  const second = Math.max(Math.floor(Date.now() / 1000), latest + 1);
  return eventFileName(second, hostname(), uniqueMark());
}

export function eventFiles(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.includes(MARK));
  } catch (error) {
    throw diskError(error, 'read', directory);
  }
}

/** A whole event file of these rows: the same rows give the same bytes. @param timeOf In milliseconds since 1970. */
export function eventsOf(
  rows: readonly StoredEpochRow[],
  timeOf: (row: StoredEpochRow | undefined) => number,
): Buffer {
  const records = rows.map((row) => rowRecord(row, timeOf(row)));
  return Buffer.concat([firstRecord(timeOf(undefined)), ...records]);
}

/** What a file of events is called, by the second of its first one and by who wrote it. */
export const eventFileName = (second: number, host: string, mark: string) =>
  `events.out${MARK}${String(second).padStart(10, '0')}.${host.replace(/[^\w.-]/g, '_')}.${mark}`;

const firstRecord = (time: number) => eventRecord(time, bytes(3, 'brain.Event:2'));

function rowRecord(row: StoredEpochRow, time: number): Buffer {
  const values = Object.entries(row)
    .filter(([column, value]) => !['epoch', 'step'].includes(column) && typeof value === 'number')
    .map(([column, value]) => bytes(1, bytes(1, column), float(2, value as number)));
  return eventRecord(time, integer(2, row.step), bytes(5, ...values));
}

/** An event in its frame. `wall_time` and `step` go first: `eventCuts` looks for the step there. */
function eventRecord(time: number, ...fields: Field[]): Buffer {
  const event = Buffer.concat([double(1, time / 1000), ...fields]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(event.length));
  return Buffer.concat([length, maskedChecksum(length), event, maskedChecksum(event)]);
}

/** The checksum as TFRecord has it: turned and shifted, because a checksum of checksums says little. */
function maskedChecksum(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

/** Castagnoli's polynomial, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** CRC-32C, unsigned: what checks TFRecords. zlib's CRC-32 has another polynomial. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
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
  return eventFiles(directory).flatMap((name) => {
    const path = join(directory, name);
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
