import { describe, expect, it } from 'vitest';
import { atOnce } from '../../../src/progress.js';
import { listRuns } from '../../../src/record/listing/listed.js';
import { groupSeeds } from '../../../src/record/listing/seeds.js';
import { groupTrainings } from '../../../src/report/groups.js';
import { readRuns } from '../../../src/report/runs.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { namedRun } from './helpers.js';

const none = [
  { kind: 'flip-labels', fraction: 0 },
  { kind: 'gaussian', fraction: 0 },
];
const partial = (fraction: number) => ({ kind: 'partial-labels', fraction });

describe('runs that differ in their seeds', () => {
  it.each([
    ['two seeds', [{ seed: 0 }, { seed: 1 }], [2]],
    [
      'one, made on other threads and elsewhere',
      [{ engine: { threads: 2 } }, { data: { dir: '/a' } }, {}],
      [1],
    ],
    [
      'one of its own bits',
      [{ engine: { deterministic: true } }, { engine: { eager: true } }],
      [1],
    ],
    [
      'nothing corrupted, in four ways',
      [{}, { corruption: partial(0) }, { corruption: none }, { corruption: [] }],
      [1],
    ],
    [
      'random labels, in two ways',
      [{ corruption: partial(1) }, { corruption: 'random-labels' }],
      [1],
    ],
    [
      'a matrix, and another',
      [0.5, 0.5, 0.6].map((p, seed) => ({
        corruption: {
          kind: 'transition-matrix',
          matrix: [
            [p, 1 - p],
            [0, 1],
          ],
        },
        seed,
      })),
      [2, 1],
    ],
    [
      'a file in two places, and another',
      ['a/t.csv', 'b/t.csv', 'a/t.csv'].map((file, seed) => ({
        corruption: { kind: 'transition-matrix', file, sha256: `${seed >> 1}`.repeat(64) },
        seed,
      })),
      [2, 1],
    ],
    ['other shares', [{ corruption: partial(0.5) }, { corruption: partial(0.6) }], [1, 1]],
    [
      'seeds of corruptions, of which there is none',
      [{ seeds: { corruption: 1 } }, { seeds: { corruption: 2 } }],
      [1],
    ],
    [
      'seeds of corruptions',
      [1, 2].map((corruption) => ({ corruption: 'random-labels', seeds: { corruption } })),
      [2],
    ],
  ])('are grouped alike by the list and by the report: %s', async (_what, configs, counts) => {
    const root = temporaryFolder();
    for (const [i, config] of configs.entries()) {
      await namedRun(root, `run${i}`, `0000000${i}`, { config });
    }
    const listed = groupSeeds(atOnce(listRuns([root])).runs);
    expect(listed.map(({ runs }) => runs.length)).toEqual(counts);
    const reported = groupTrainings((await readRuns([root])).runs);
    expect(reported.map(({ runs }) => runs.length)).toEqual(counts);
  });
});
