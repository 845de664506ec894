import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  append,
  appendDurably,
  ensureFolder,
  isTemporaryName,
  setWriteHook,
  syncFile,
  temporaryPath,
  truncateTo,
  writeFileAtomic,
} from '../../src/disk/files.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { DISK_ERRORS, errorOf, failFrom } from '../record/helpers.js';

const read = (path: string) => readFileSync(path, 'utf8');

describe('writeFileAtomic', () => {
  it('writes text, bytes and parts, and replaces what was there', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileAtomic(path, 'naïve');
    expect(read(path)).toBe('naïve');
    writeFileAtomic(path, [Buffer.from('a'), new Uint8Array(), Buffer.from('bc')]);
    expect(read(path)).toBe('abc');
    writeFileAtomic(path, new Uint8Array());
    expect(read(path)).toBe('');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it('syncs the content before the rename and the folder after it', () => {
    const path = join(temporaryFolder(), 'file');
    const operations: string[] = [];
    setWriteHook(({ operation }) => operations.push(operation));
    writeFileAtomic(path, 'x');
    expect(operations).toEqual(['create', 'write', 'sync', 'rename', 'sync-folder']);
  });

  describe.each(DISK_ERRORS)('%s', (code, words) => {
    it.each([1, 2, 3, 4])('at boundary %i leaves the old content and nothing else', (n) => {
      const path = join(temporaryFolder(), 'file');
      writeFileAtomic(path, 'old');
      failFrom(n, code);
      const error = errorOf(() => writeFileAtomic(path, 'new'));
      expect(error.message).toBe(`Could not write ${path}: ${words}.`);
      expect(error.exitCode).toBe(1);
      expect(error.hint).toBeTypeOf('string');
      expect(read(path)).toBe('old');
      expect(readdirSync(join(path, '..'))).toEqual(['file']);
    });

    it('at the last boundary leaves the whole new content', () => {
      const path = join(temporaryFolder(), 'file');
      writeFileAtomic(path, 'old');
      failFrom(5, code);
      expect(errorOf(() => writeFileAtomic(path, 'new')).message).toContain(words);
      expect(read(path)).toBe('new');
    });
  });

  it('names a path that cannot be written to', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const below = join(file, 'below');
    expect(errorOf(() => writeFileAtomic(below, 'x')).message).toBe(
      `Could not write ${below}: a part of the path is not a folder.`,
    );
    const nowhere = join(file, '../no/file');
    expect(errorOf(() => writeFileAtomic(nowhere, 'x')).message).toContain('no such file');
  });

  it('chooses another temporary name each time: on two hosts, two processes have one id', () => {
    const path = join(temporaryFolder(), 'file');
    const names = new Set<string>();
    setWriteHook(({ operation, path }) => operation === 'create' && names.add(path));
    for (const content of ['a', 'b']) writeFileAtomic(path, content);
    expect(names.size).toBe(2);
  });

  it('replaces a planted link instead of following it', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'precious'), 'precious');
    symlinkSync(join(folder, 'precious'), join(folder, 'file'));
    writeFileAtomic(join(folder, 'file'), 'x');
    expect(read(join(folder, 'precious'))).toBe('precious');
    expect(read(join(folder, 'file'))).toBe('x');
  });
});

describe('append', () => {
  it('adds to the end and makes the file', () => {
    const path = join(temporaryFolder(), 'rows');
    append(path, 'a\n');
    syncFile(path);
    appendDurably(path, 'b\n');
    expect(read(path)).toBe('a\nb\n');
  });

  it.each(DISK_ERRORS)(
    'takes back the half of a line that got written before %s',
    (code, words) => {
      const path = join(temporaryFolder(), 'rows');
      append(path, 'first\n');
      setWriteHook(({ operation, bytes }) => {
        if (operation !== 'write') return;
        writeFileSync(path, bytes!.subarray(0, 3), { flag: 'a' });
        throw Object.assign(new Error(code), { code });
      });
      expect(errorOf(() => append(path, 'second\n')).message).toBe(
        `Could not write ${path}: ${words}.`,
      );
      expect(read(path)).toBe('first\n');
    },
  );

  it('takes back a line that could not be synced', () => {
    const path = join(temporaryFolder(), 'rows');
    appendDurably(path, 'first\n');
    failFrom(2, 'EIO');
    expect(errorOf(() => appendDurably(path, 'second\n')).message).toContain('input/output error');
    expect(read(path)).toBe('first\n');
  });

  it('refuses to follow a planted link', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'precious'), 'precious');
    symlinkSync(join(folder, 'precious'), join(folder, 'rows'));
    const path = join(folder, 'rows');
    for (const action of [
      () => append(path, 'x'),
      () => truncateTo(path, 0),
      () => syncFile(path),
    ]) {
      expect(errorOf(action).message).toContain('is a symbolic link');
    }
    expect(read(join(folder, 'precious'))).toBe('precious');
  });
});

describe('truncateTo', () => {
  it('cuts', () => {
    const path = join(temporaryFolder(), 'rows');
    writeFileSync(path, 'abcdef');
    truncateTo(path, 2);
    expect(read(path)).toBe('ab');
  });

  it.each(DISK_ERRORS)('leaves the file as it was on %s', (code, words) => {
    const path = join(temporaryFolder(), 'rows');
    writeFileSync(path, 'abcdef');
    failFrom(1, code);
    expect(errorOf(() => truncateTo(path, 2)).message).toBe(`Could not cut ${path}: ${words}.`);
    expect(read(path)).toBe('abcdef');
  });
});

describe('ensureFolder', () => {
  it('makes all folders of a path, and is content with those that are there', () => {
    const path = join(temporaryFolder(), 'a/b/c');
    ensureFolder(path);
    ensureFolder(path);
    expect(existsSync(path)).toBe(true);
  });

  it('names a path where a file is in the way', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(errorOf(() => ensureFolder(join(file, 'x'))).message).toMatch(
      /^Could not create .*file\/x: /,
    );
    expect(errorOf(() => ensureFolder(file)).message).toContain('something else is there');
  });
});

it('knows its own temporary names from others', () => {
  expect(isTemporaryName(basename(temporaryPath('checkpoints/last.safetensors')))).toBe(true);
  // An older version's, which another host can have chosen as well.
  expect(isTemporaryName('.last.safetensors.123.tmp')).toBe(true);
  expect(isTemporaryName('last.safetensors')).toBe(false);
  expect(isTemporaryName('mine.tmp')).toBe(false);
});
