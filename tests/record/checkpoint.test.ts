import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointPath, loadCheckpoint, saveCheckpoint } from '../../src/record/checkpoint.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { checkpointAt, META } from './fake-run.js';
import { anatomy, saved } from './forge.js';
import { DISK_ERRORS, errorOf, failFrom } from './helpers.js';

describe('saveCheckpoint and loadCheckpoint', () => {
  it('give back the same bits', () => {
    const { path } = saved();
    expect(loadCheckpoint(path)).toEqual({ checkpoint: checkpointAt(1), meta: META });
  });

  it('keep numbers that are not finite, in tensors and in progress', () => {
    const folder = temporaryFolder();
    const checkpoint = checkpointAt(1);
    const odd = [Number.NaN, Infinity, -Infinity, -0, 1e-45, 3.4e38];
    checkpoint.state['param/dense/kernel']!.data.set(odd);
    checkpoint.progress.best!.test_loss = Number.NaN;
    checkpoint.progress.last!.train_loss = Infinity;
    checkpoint.progress.trainSeconds = -Infinity;
    checkpoint.progress.reached['loss_0.1'] = { epoch: 1, step: 2, seconds: 0.1 + 0.2 };
    saveCheckpoint(folder, 'best', checkpoint, META);
    expect(loadCheckpoint(checkpointPath(folder, 'best')).checkpoint).toEqual(checkpoint);
  });

  it('take scalars, empty tensors and tensors that are views', () => {
    const folder = temporaryFolder();
    const checkpoint = checkpointAt(1);
    checkpoint.state = {
      'param/scalar': { shape: [], data: new Float32Array([7]) },
      'param/none': { shape: [0, 5], data: new Float32Array() },
      'param/view': { shape: [2], data: Float32Array.from([1, 2, 3, 4]).subarray(1, 3) },
    };
    saveCheckpoint(folder, 'last', checkpoint, META);
    const { state } = loadCheckpoint(checkpointPath(folder, 'last')).checkpoint;
    expect(state).toEqual({
      ...checkpoint.state,
      'param/view': { shape: [2], data: Float32Array.from([2, 3]) },
    });
  });

  it('lay the file out as safetensors does', () => {
    const { bytes } = saved();
    const { header, data } = anatomy(bytes);
    expect((bytes.length - data.length) % 8).toBe(0);
    expect(header['velocity/dense/kernel']).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data_offsets: [24, 48],
    });
    expect(data.length).toBe(52);
    expect(data.readFloatLE(4)).toBe(2);
    for (const text of Object.values(header.__metadata__)) expect(text).toBeTypeOf('string');
  });

  it('refuse to write what could not be read back', () => {
    const folder = temporaryFolder();
    const save = (state: object) => () =>
      saveCheckpoint(folder, 'last', { ...checkpointAt(1), state: { ...state } }, META);
    expect(save({ '../x': { shape: [], data: new Float32Array(1) } })).toThrow(TypeError);
    expect(save({ 'param/x': { shape: [2], data: new Float32Array(1) } })).toThrow(TypeError);
    expect(readdirSync(folder)).toEqual([]);
  });

  describe.each(DISK_ERRORS)('%s', (code, words) => {
    it('at each boundary of the write leaves a checkpoint that can be read', () => {
      const { folder, path } = saved(1);
      const { seen } = failFrom(Number.POSITIVE_INFINITY, code);
      saveCheckpoint(folder, 'last', checkpointAt(1), META);
      const boundaries = seen.length;
      expect(boundaries).toBeGreaterThan(6);
      for (let n = 1; n <= boundaries; n++) {
        failFrom(n, code);
        const error = errorOf(() => saveCheckpoint(folder, 'last', checkpointAt(2), META));
        expect(error.message).toBe(`Could not write ${path}: ${words}.`);
        const { epoch } = loadCheckpoint(path).checkpoint.progress;
        // Only the folder's own sync comes after the rename.
        expect(epoch).toBe(n === boundaries ? 2 : 1);
        expect(readdirSync(folder)).toEqual(['last.safetensors']);
      }
    });
  });
});

describe('loadCheckpoint on a damaged file', () => {
  it('refuses every single flipped bit', () => {
    const { path, bytes } = saved();
    const fd = openSync(path, 'r+');
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        writeSync(fd, Buffer.from([bytes[at]! ^ (1 << bit)]), 0, 1, at);
        const error = errorOf(() => loadCheckpoint(path));
        expect(error.kind === 'data' && error.message.includes(path)).toBe(true);
      }
      writeSync(fd, bytes, at, 1, at);
    }
    closeSync(fd);
    expect(loadCheckpoint(path).checkpoint).toEqual(checkpointAt(1));
  });

  it('refuses every truncation, and anything behind the end', () => {
    const { path, bytes } = saved();
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(1)]));
    expect(errorOf(() => loadCheckpoint(path)).message).toMatch(/52 bytes and its data 53/);
    for (let size = bytes.length - 1; size >= 0; size--) {
      truncateSync(path, size);
      expect(errorOf(() => loadCheckpoint(path)).kind).toBe('data');
    }
  });

  it('says what a missing file, a folder and another kind of file are', () => {
    const folder = temporaryFolder();
    const missing = join(folder, 'no.safetensors');
    expect(errorOf(() => loadCheckpoint(missing)).message).toBe(`There is no file ${missing}.`);
    expect(errorOf(() => loadCheckpoint(folder)).message).toContain('not a regular file');
    writeFileSync(missing, `${'\0'.repeat(8)}${'x'.repeat(200)}`);
    expect(errorOf(() => loadCheckpoint(missing)).message).toContain('not a checkpoint');
  });

  it.skipIf(process.platform === 'win32')('does not wait for a named pipe', () => {
    const pipe = join(temporaryFolder(), 'pipe.safetensors');
    execFileSync('mkfifo', [pipe]);
    expect(errorOf(() => loadCheckpoint(pipe)).message).toContain('not a regular file');
  });
});

it('keeps last and best apart', () => {
  const folder = join(temporaryFolder(), 'checkpoints');
  mkdirSync(folder);
  saveCheckpoint(folder, 'best', checkpointAt(1), META);
  expect(existsSync(checkpointPath(folder, 'last'))).toBe(false);
  saveCheckpoint(folder, 'last', checkpointAt(2), META);
  expect(loadCheckpoint(checkpointPath(folder, 'best')).checkpoint.progress.epoch).toBe(1);
  expect(loadCheckpoint(checkpointPath(folder, 'last')).checkpoint.progress.epoch).toBe(2);
});
