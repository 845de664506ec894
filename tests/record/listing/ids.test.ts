import { array, assert, constantFrom, property, record, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runsCalled, shortIds, startedAt } from '../../../src/record/listing/ids.js';

const A = '/r/a/20261124T101530Z-1a2b3c4d';
const B = '/r/a/20261124T101531Z-1a2b3d4d';
const C = '/r/b/20261124T101530Z-ffffffff';

describe('short ids', () => {
  it('are the beginning of the hash, of six digits or as many as it takes', () => {
    expect([...shortIds([A, B, C]).values()]).toEqual(['1a2b3c', '1a2b3d', 'ffffff']);
    const near = '/r/a/20261124T101530Z-1a2b3c5d';
    expect(shortIds([A, near]).get(A)).toBe('1a2b3c4');
  });

  it('of copies of one config have the time as well, and a copied directory its folder', () => {
    const again = '/r/a/20261125T111530Z-1a2b3c4d';
    const copied = '/r/c/20261124T101530Z-1a2b3c4d';
    const twice = `${A}-2`;
    expect(shortIds([A, again]).get(again)).toBe('111530Z-1a2b3c4d');
    expect(shortIds([A, copied]).get(copied)).toBe('c/20261124T101530Z-1a2b3c4d');
    expect(shortIds([A, twice]).get(twice)).toBe('1a2b3c4d-2');
    expect(shortIds([A, twice]).get(A)).toBe('101530Z-1a2b3c4d');
  });

  it('name the one run that they were made for, whatever the others are called', () => {
    const time = record({ day: constantFrom('24', '25'), second: constantFrom('30', '31') });
    const name = record({
      folder: constantFrom('a', 'b'),
      time,
      hash: stringMatching(/^[ab]{8}$/),
      again: constantFrom('', '-2'),
      other: constantFrom('', 'mine', 'aaaaaa'),
    }).map(({ folder, time, hash, again, other }) =>
      other !== ''
        ? `/r/${folder}/${other}`
        : `/r/${folder}/202611${time.day}T1015${time.second}Z-${hash}${again}`,
    );
    assert(
      property(array(name, { maxLength: 30 }), (given) => {
        const paths = [...new Set(given)];
        for (const [path, id] of shortIds(paths)) expect(runsCalled(id, paths)).toEqual([path]);
      }),
    );
  });

  it('may be shortened as git has it, down to four characters', () => {
    expect(runsCalled('1a2b', [A, B, C])).toEqual([A, B]);
    expect(runsCalled('1a2b3c', [A, B, C])).toEqual([A]);
    expect(runsCalled('fff', [A, B, C])).toEqual([]);
    expect(runsCalled('20261124T101531', [A, B, C])).toEqual([B]);
    expect(runsCalled('3d4d', [A, B, C])).toEqual([B]);
  });
});

it('a run began when its name says so', () => {
  expect(startedAt(A)).toBe('2026-11-24T10:15:30Z');
  expect(startedAt('/r/a/20261324T101530Z-1a2b3c4d')).toBeNull();
  expect(startedAt('/r/a/mine')).toBeNull();
});
