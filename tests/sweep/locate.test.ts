import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { locateRun } from '../../src/sweep/locate.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

let root: string;
let old: string;
let newer: string;
let trial: string;

/** Two runs called a, and a later one that is a trial of the sweep b. */
beforeEach(() => {
  root = join(temporaryFolder(), 'results');
  const run = (name: string, stamp: string) => {
    const path = join(root, name, stamp);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'config.json'), '{}');
    return path;
  };
  old = run('a', '20261124T101530Z-ffffffff');
  newer = run('a', '20261125T101530Z-00000000');
  trial = run('b', '20261126T101530Z-5e6f7a8b');
  writeFileSync(join(root, 'b', 'sweep.json'), '{}');
});

describe('a run', () => {
  it('is found by its directory, by its name, and as the latest', () => {
    for (const wanted of ['run', 'resumable'] as const) {
      expect(locateRun(old, wanted, root)).toBe(old);
      expect(locateRun('a', wanted, root)).toBe(newer);
      expect(locateRun(join(root, 'a'), wanted, root)).toBe(newer);
      expect(locateRun(join(root, 'a', 'latest'), wanted, root)).toBe(newer);
    }
    expect(locateRun('latest', 'run', root)).toBe(trial);
    expect(locateRun('b', 'run', root)).toBe(trial);
  });

  it('that is resumed may be a sweep, also as the latest; a trial by its own name is itself', () => {
    expect(locateRun('b', 'resumable', root)).toBe(join(root, 'b'));
    expect(locateRun('latest', 'resumable', root)).toBe(join(root, 'b'));
    expect(locateRun(trial, 'resumable', root)).toBe(trial);
  });

  it('is one of all in a folder where that may hold several', () => {
    expect(locateRun(root, 'folder', root)).toBe(root);
    expect(locateRun('a', 'folder', root)).toBe(join(root, 'a'));
    expect(locateRun('latest', 'folder', root)).toBe(trial);
  });

  it('may be called latest itself', () => {
    const named = join(root, 'latest');
    mkdirSync(named);
    writeFileSync(join(named, 'status.json'), '{}');
    expect(locateRun('latest', 'run', root)).toBe(named);
  });

  it.each(['run', 'resumable', 'folder'] as const)('that is not there is told: %s', (wanted) => {
    for (const given of ['absent', join(root, 'absent')]) {
      expect(() => locateRun(given, wanted, root)).toThrow(`There is no folder ${given}.`);
    }
    const none = join(root, 'none');
    expect(() => locateRun('latest', wanted, none)).toThrow(`There is no run in ${none}.`);
    expect(() => locateRun(none, wanted, none)).toThrow(`There is no run in ${none}.`);
    expect(() => locateRun(join(none, 'latest'), wanted, root)).toThrow(
      `There is no run in ${none}.`,
    );
  });

  it('is missed in a folder without one', () => {
    mkdirSync(join(root, 'empty'));
    expect(() => locateRun('empty', 'run', root)).toThrow(/There is no run in .*empty\./);
  });
});
