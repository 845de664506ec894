import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunDirectory } from '../../src/record/run-directory.js';
import { cutEvents, writeScalars } from '../../src/record/tensorboard.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { epochRow, META } from './fake-run.js';
import { errorOf } from './helpers.js';

/** A record of an event file as TensorFlow frames it; checksums are zero. */
function record(step: number, rest = 'a summary of some length'): Buffer {
  const varint: number[] = [];
  for (let left = step; ; left = Math.floor(left / 128)) {
    varint.push(left < 128 ? left : (left % 128) | 0x80);
    if (left < 128) break;
  }
  const time = Buffer.alloc(9, 0x09);
  const event = Buffer.concat([
    time,
    Buffer.from(step === 0 ? [] : [0x10, ...varint]),
    Buffer.from(rest),
  ]);
  const frame = Buffer.alloc(12);
  frame.writeBigUInt64LE(BigInt(event.length));
  return Buffer.concat([frame, event, Buffer.alloc(4)]);
}

function events(...steps: number[]): { folder: string; path: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'events.out.tfevents.1.host.v2');
  writeFileSync(path, Buffer.concat(steps.map((step) => record(step))));
  return { folder, path };
}

describe('cutEvents', () => {
  it.each([
    [0, 1],
    [126, 1],
    [127, 2],
    [128, 3],
    [390 * 1000, 4],
    [2 ** 40, 5],
  ])('at step %i keeps %i of the events at 0, 127, 128, 390000 and 2^40', (step, kept) => {
    const all = [0, 127, 128, 390_000, 2 ** 40];
    const { folder, path } = events(...all);
    cutEvents(folder, step);
    expect(readFileSync(path)).toEqual(Buffer.concat(all.slice(0, kept).map((s) => record(s))));
  });

  it('cuts an event that was torn, wherever', () => {
    const { folder, path } = events(0, 1);
    const whole = readFileSync(path);
    const first = record(0).length;
    for (let size = first + 1; size < whole.length; size++) {
      writeFileSync(path, whole.subarray(0, size));
      cutEvents(folder, 10);
      expect(readFileSync(path).length).toBe(first);
    }
  });

  it('cuts where a length claims more than there is', () => {
    const { folder, path } = events(0, 1);
    const lie = readFileSync(path);
    lie.writeBigUInt64LE(2n ** 64n - 1n, record(0).length);
    writeFileSync(path, lie);
    cutEvents(folder, 10);
    expect(readFileSync(path).length).toBe(record(0).length);
  });

  it('leaves other files and missing folders alone', () => {
    const { folder } = events(5);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    cutEvents(folder, 1);
    cutEvents(join(folder, 'none'), 1);
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });
});

describe('the recorder', () => {
  it('writes each number of a row under its column, over the step', () => {
    const directory = RunDirectory.create(temporaryFolder(), 'tb', '01234567', { config: {} });
    const written: [string, number, number][] = [];
    let opened = '';
    let flushed = 0;
    const recorder = directory.recorder({
      meta: META,
      steps: false,
      corruptedTestAccuracy: false,
      top5: false,
      openScalarWriter: (folder) => {
        opened = folder;
        return {
          scalar: (tag, value, step) => written.push([tag, value, step]),
          flush: () => flushed++,
        };
      },
    });
    recorder.epoch(epochRow(2));
    directory.close('finished');
    expect(opened).toBe(join(directory.path, 'tensorboard'));
    expect(readdirSync(opened)).toEqual([]);
    expect(flushed).toBe(1);
    expect(written).toContainEqual(['train_accuracy', 2 / 7, 6]);
    const tags = written.map(([tag]) => tag);
    expect(tags).not.toContain('epoch');
    // Does not apply to this row.
    expect(tags).not.toContain('corrupted_accuracy');
    expect(tags).toHaveLength(11);
  });

  it('says so where events cannot be written', () => {
    const writer = {
      scalar: () => {
        throw new Error('no room');
      },
      flush: () => {},
    };
    const error = errorOf(() => writeScalars(writer, epochRow(1), '/events'));
    expect(error.message).toBe('Could not write TensorBoard events to /events: no room.');
    expect(error.hint).toContain('record.tensorboard=false');
  });
});
