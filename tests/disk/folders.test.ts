import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  freeSpace,
  replaceFolder,
  requireSpace,
  withTemporaryFolder,
} from '../../src/disk/folders.js';
import { type ProcessIdentity, thisProcess } from '../../src/disk/process-identity.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf } from '../record/helpers.js';

/** Makes `target`, a folder with one file, in the way of an import or an installation. */
function make(target: string, content = 'new'): Promise<void> {
  return withTemporaryFolder(target, 'dataset', async (folder) => {
    writeFileSync(join(folder, 'file'), content);
    replaceFolder(folder, target);
  });
}

describe('a folder made whole or not at all', () => {
  it('takes the place of another, and nothing else is left', async () => {
    const target = join(temporaryFolder(), 'above', 'set');
    for (const content of ['first', 'second']) {
      await make(target, content);
      expect(readFileSync(join(target, 'file'), 'utf8')).toBe(content);
      expect(readdirSync(target)).toEqual(['file']);
      expect(readdirSync(join(target, '..'))).toEqual(['set']);
    }
  });

  it('is as it was after a failure, which is told as it is, or as what the disk refused', async () => {
    const target = join(temporaryFolder(), 'set');
    await make(target, 'old');
    const fail = (error: Error) =>
      withTemporaryFolder(target, 'dataset', () => Promise.reject(error));
    await expect(fail(new TypeError('a bug'))).rejects.toThrow(new TypeError('a bug'));
    const full = Object.assign(new Error(), { code: 'ENOSPC', syscall: 'write' });
    await expect(fail(full)).rejects.toMatchObject({
      kind: 'failed',
      message: `Could not write ${target}: no space left on the device.`,
    });
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('old');
    expect(readdirSync(join(target, '..'))).toEqual(['set']);
  });
});

describe('what another process left unfinished', () => {
  const DEAD = 2 ** 30;
  const linux = process.platform === 'linux';
  const started = thisProcess().started ?? '';
  const cases: [what: string, owner: Partial<ProcessIdentity>, stays: boolean][] = [
    ['is removed where the process is dead', { pid: DEAD }, false],
    ['stays where the process lives', {}, true],
    ['stays for a day where it is on another host', { pid: DEAD, host: 'a.example' }, true],
  ];
  const onLinux: typeof cases = [
    ['is removed where its process id was used again', { started: `${started}0` }, false],
    ['stays for a day where it is of another boot', { started: 'another-boot/1' }, true],
    ['stays for a day where it is in another container', { namespace: 'pid:[1]' }, true],
  ];
  it.each(linux ? [...cases, ...onLinux] : cases)('%s', async (what, owner, stays) => {
    const target = join(temporaryFolder(), 'set');
    const left = join(target, '..', '.set.1234-0a1b2c3d.new');
    mkdirSync(left);
    writeFileSync(join(left, '.owner.json'), JSON.stringify({ ...thisProcess(), ...owner }));
    await make(target);
    expect(existsSync(left)).toBe(stays);
    if (!what.includes('for a day')) return;
    utimesSync(left, 0, 0);
    await make(target);
    expect(existsSync(left)).toBe(false);
  });

  it.each([
    '.set.1073741824.new',
    '.set.1073741824-0a1b2c3d.new',
    'set.tmp-1073741824',
    'set.wheels-1073741824',
  ])('without a word of whose it is, as %s, stays for a day', async (name) => {
    const target = join(temporaryFolder(), 'set');
    const left = join(target, '..', name);
    mkdirSync(left);
    await make(target);
    expect(existsSync(left)).toBe(true);
    utimesSync(left, 0, 0);
    await make(target);
    expect(existsSync(left)).toBe(false);
  });

  it('stays where it is the only copy of what was there before', async () => {
    const target = join(temporaryFolder(), 'set');
    const old = ['.set.1-0a1b2c3d.new.old', 'set.old-1'].map((name) => join(target, '..', name));
    for (const path of old) mkdirSync(path);
    await make(target);
    expect(old.map(existsSync)).toEqual([true, true]);
    await make(target);
    expect(old.map(existsSync)).toEqual([false, false]);
  });

  it('of other names is nobody’s business', async () => {
    const target = join(temporaryFolder(), 'set');
    const others = ['.other.1.new', '.set-2.1.new', 'set-2.tmp-1', 'set.tmp', '.set.new'];
    for (const name of others) {
      mkdirSync(join(target, '..', name));
      utimesSync(join(target, '..', name), 0, 0);
    }
    await make(target);
    expect(readdirSync(join(target, '..')).sort()).toEqual([...others, 'set'].sort());
  });
});

describe('space', () => {
  it('is that of the disk on which a folder would be made', () => {
    expect(freeSpace(join(tmpdir(), 'no', 'such', 'folder'))).toBeGreaterThan(0);
  });

  it('that is too little is told with both numbers', () => {
    const error = errorOf(() => requireSpace(tmpdir(), 1e18));
    expect(error.message).toMatch(/needs 1000000000\.0 GB .* has [\d.]+ GB left/);
    expect(error.hint).toContain('XDG_CACHE_HOME');
  });
});
