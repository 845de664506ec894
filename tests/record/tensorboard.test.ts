import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutRecord } from '../../src/record/cut.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { eventsPath, writeScalars } from '../../src/record/tensorboard.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { epochRow, META } from './fake-run.js';
import { errorOf } from './helpers.js';

/** A record of an event file as TensorFlow frames it; checksums are zero. */
function record(step: number): Buffer {
  // The version of the format comes first, at step 0.
  const rest = step === 0 ? '\u001a\u000dbrain.Event:2' : 'a summary of some length';
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

function events(...steps: number[]): { runDir: string; folder: string; path: string } {
  const runDir = temporaryFolder();
  const folder = eventsPath(runDir);
  mkdirSync(folder);
  const path = join(folder, 'events.out.tfevents.1.host.v2');
  writeFileSync(path, Buffer.concat(steps.map(record)));
  return { runDir, folder, path };
}

const cutAt = (runDir: string, step: number) => cutRecord(runDir, { epoch: 0, step, last: null });

describe('events past a checkpoint', () => {
  it.each([
    [0, 1],
    [126, 1],
    [127, 2],
    [128, 3],
    [390 * 1000, 4],
    [2 ** 40, 5],
  ])('at step %i: %i are kept of the events at 0, 127, 128, 390000 and 2^40', (step, kept) => {
    const all = [0, 127, 128, 390_000, 2 ** 40];
    const { runDir, path } = events(...all);
    cutAt(runDir, step);
    expect(readFileSync(path)).toEqual(Buffer.concat(all.slice(0, kept).map((s) => record(s))));
  });

  it('cuts an event that was torn, wherever', () => {
    const { runDir, path } = events(0, 1);
    const whole = readFileSync(path);
    const first = record(0).length;
    for (let size = 0; size < whole.length; size++) {
      writeFileSync(path, whole.subarray(0, size));
      cutAt(runDir, 10);
      expect(readFileSync(path).length).toBe(size < first ? 0 : first);
    }
  });

  it('cuts where a length claims more than there is', () => {
    const { runDir, path } = events(0, 1);
    const lie = readFileSync(path);
    lie.writeBigUInt64LE(2n ** 64n - 1n, record(0).length);
    writeFileSync(path, lie);
    cutAt(runDir, 10);
    expect(readFileSync(path).length).toBe(record(0).length);
  });

  it('leaves other files and missing folders alone', () => {
    const { runDir, folder } = events(0, 5);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    cutAt(runDir, 1);
    cutAt(temporaryFolder(), 1);
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
