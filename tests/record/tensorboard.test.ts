import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutRecord } from '../../src/record/cut.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { crc32c, EventFile, eventsPath } from '../../src/record/tensorboard.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checksum, readEvents } from './events.js';
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

const OPTIONS = {
  meta: META,
  steps: false,
  corruptedTestAccuracy: false,
  top5: false,
  tensorboard: true,
};

describe('the recorder', () => {
  it('writes each number of a row under its column, over the step', () => {
    const directory = RunDirectory.create(temporaryFolder(), 'tb', '01234567', { config: {} });
    const recorder = directory.recorder(OPTIONS);
    expect(existsSync(join(directory.path, 'tensorboard'))).toBe(false);
    const before = Date.now() / 1000;
    for (const epoch of [1, 2]) recorder.epoch(epochRow(epoch));
    directory.close('finished');
    const [name, ...others] = readdirSync(join(directory.path, 'tensorboard'));
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10,}\.[\w.-]+$/);
    expect(others).toEqual([]);
    const all = readEvents(readFileSync(join(directory.path, 'tensorboard', name!)));
    expect(all.map(({ step, version }) => [step, version])).toEqual([
      [0, 'brain.Event:2'],
      [3, undefined],
      [6, undefined],
    ]);
    const { scalars, wallTime } = all[2]!;
    expect(wallTime).toBeGreaterThanOrEqual(before);
    expect(wallTime).toBeLessThan(before + 3600);
    expect(scalars.train_accuracy).toBe(Math.fround(2 / 7));
    expect(scalars).not.toHaveProperty('epoch');
    // Does not apply to this row.
    expect(scalars).not.toHaveProperty('corrupted_accuracy');
    expect(Object.keys(scalars)).toHaveLength(11);
  });

  it('writes nothing where none are wanted', () => {
    const directory = RunDirectory.create(temporaryFolder(), 'tb', '01234567', { config: {} });
    directory.recorder({ ...OPTIONS, tensorboard: false }).epoch(epochRow(1));
    directory.close('finished');
    expect(existsSync(join(directory.path, 'tensorboard'))).toBe(false);
  });

  it('writes a number that is not finite as it is', () => {
    const folder = temporaryFolder();
    const file = new EventFile(folder);
    file.append({ ...epochRow(1), train_loss: Number.NaN, weight_norm: Number.POSITIVE_INFINITY });
    const [, event] = readEvents(readFileSync(join(folder, readdirSync(folder)[0]!)));
    expect(event!.scalars).toMatchObject({ train_loss: Number.NaN, weight_norm: Infinity });
  });

  it('puts a session after those before it, whatever their clocks said', () => {
    const folder = temporaryFolder();
    const later = Math.floor(Date.now() / 1000) + 1e6;
    writeFileSync(join(folder, `events.out.tfevents.${later}.elsewhere.7.v2`), '');
    writeFileSync(join(folder, 'events.out.tfevents.strange'), '');
    for (let session = 0; session < 3; session++) new EventFile(folder).append(epochRow(1));
    const names = readdirSync(folder).sort();
    expect(names.slice(1, 4).map((name) => Number(name.split('.')[3]))).toEqual([
      later + 1,
      later + 2,
      later + 3,
    ]);
    expect(names).toHaveLength(5);
  });

  it.each([['123456789'], [''], ['\0'.repeat(32)], ['a longer text, with every byte: ÄÖÜ ✓']])(
    'has the checksum of %j',
    (text) => expect(crc32c(Buffer.from(text))).toBe(checksum(Buffer.from(text))),
  );

  // RFC 3720, appendix B.4, and the check value of CRC-32C.
  it.each([
    ['123456789', 0xe3069283],
    ['\0'.repeat(32), 0x8a9136aa],
  ])('has the published checksum of %j', (text, published) => {
    expect(crc32c(Buffer.from(text))).toBe(published);
    expect(checksum(Buffer.from(text))).toBe(published);
  });

  it('says so where events cannot be written', () => {
    const folder = join(temporaryFolder(), 'file');
    writeFileSync(folder, '');
    const error = errorOf(() => new EventFile(folder).append(epochRow(1)));
    expect(error.message).toContain(folder);
  });
});
