import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelOf } from '../../src/config/corruptions.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { flatConfig } from '../../src/config/flat.js';
import { configHash, resumeHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';
import { sweptKeys } from '../../src/config/swept.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { configFile, errorOf } from './helpers.js';

const ROWS = [
  [0.9, 0.1],
  [0.25, 0.75],
];
const OTHER = [
  [0.9, 0.1],
  [0.5, 0.5],
];

const of = async (corruption: object) =>
  (await loadExperiment({ name: 'a', corruption })).trials[0]!.config;
const matrix = (rest: object) => ({ kind: 'transition-matrix', ...rest });

function written(name: string, content: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

describe.each(['transition-matrix', 'label-file-twin'])('the file of %s', (kind) => {
  const named = (file: string) => of({ kind, file });

  it('is known by what it holds, not by where it lies', async () => {
    const [one, same, other] = await Promise.all(
      ['[[1]]', '[[1]]', '[[1.0]]'].map((text, i) => named(written(`${i}.json`, text))),
    );
    expect(one!.corruption[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const hash of [configHash, resumeHash]) {
      expect(hash(same!)).toBe(hash(one!));
      expect(hash(other!)).not.toBe(hash(one!));
    }
    expect(labelOf(other!.corruption[0]!)).not.toBe(labelOf(one!.corruption[0]!));
  });

  it('needn’t be there when a stored config is read, and is read anew when a config names it', async () => {
    const path = written('t.json', '[[1]]');
    const config = await named(path);
    writeFileSync(path, '[[1.00]]');
    const stored = JSON.parse(JSON.stringify(portableConfig(config))) as object;
    expect((await loadExperiment(stored)).trials[0]!.config).toEqual(config);
    expect(configHash(await named(path))).not.toBe(configHash(config));
  });

  it('is told once among what was swept', async () => {
    const configs = await Promise.all(['[[1]]', '[[0.5]]'].map((t) => named(written('t.json', t))));
    const flats = configs.map((config) => flatConfig(portableConfig(config)));
    expect(sweptKeys(flats)).toEqual(['corruption.file']);
  });

  it('is refused where it is no file', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    for (const [name, message] of [
      ['absent.csv', 'there is no such file.'],
      ['sub', 'that is not a regular file.'],
    ] as const) {
      const path = join(folder, name);
      const exp = await configFile(`corruption: { kind: ${kind}, file: ${path} }\n`);
      expect(await errorOf(() => loadExperiment(exp), exp)).toBe(
        `exp.yaml:1:${23 + kind.length}: corruption.file is ${path}: ${message}`,
      );
    }
  });
});

describe('a matrix in the config', () => {
  it('stays as it is written, and tells experiments apart', async () => {
    const config = await of(matrix({ matrix: ROWS }));
    expect(config.corruption[0]).toMatchObject({ fraction: 1, matrix: ROWS });
    expect(configHash(await of(matrix({ matrix: OTHER })))).not.toBe(configHash(config));
    const flats = [ROWS, OTHER].map(async (rows) => flatConfig(await of(matrix({ matrix: rows }))));
    const both = await Promise.all(flats);
    expect(both[0]!.get('corruption.matrix')).toMatch(/^2×2 [0-9a-f]{6}$/);
    expect(sweptKeys(both)).toEqual(['corruption.matrix']);
  });

  it('can be given on the command line and swept over', async () => {
    const overrides = ['corruption.kind=transition-matrix', 'corruption.matrix=[[0.9,0.1],[0,1]]'];
    const { trials } = await loadExperiment({ name: 'a' }, { overrides });
    expect(trials[0]!.config.corruption[0]!.matrix).toEqual([
      [0.9, 0.1],
      [0, 1],
    ]);
    const sweep = { 'corruption.matrix': [ROWS, OTHER], 'corruption.fraction': [0, 0.5, 1] };
    const swept = await loadExperiment({
      name: 'a',
      corruption: { kind: 'transition-matrix' },
      sweep,
    });
    expect(swept.trials.length).toBe(6);
  });

  it.each([
    ['[[0.9, 0.1]]', 'matrix is no transition matrix: row 1 has 2 numbers, and there are 1 rows.'],
    [
      '[[1, 0], [0.5, 0.6]]',
      'matrix is no transition matrix: row 2 sums to 1.1, not to 1 (within 0.0001).',
    ],
    ['[[1, 0], [0.5, 0.4998]]', 'row 2 sums to 0.9998, not to 1'],
    ['[[1, 0], [-0.1, 1.1]]', 'matrix.1.0 must be a number from 0 to 1, not -0.1 (number).'],
    ['[[1, 0], [.nan, 1]]', 'matrix.1.0 must be a number from 0 to 1, not NaN (number).'],
    ['[[1, 0], [0, "1"]]', 'matrix.1.1 must be a number from 0 to 1, not "1" (string).'],
    ['[1, 0]', 'matrix.0 must be a list, not 1 (number).'],
    ['[]', 'matrix must be a list of at least 1'],
  ])('is refused as %s', async (rows, message) => {
    const exp = await configFile(`corruption: { kind: transition-matrix, matrix: ${rows} }\n`);
    const error = await errorOf(() => loadExperiment(exp), exp);
    expect(error).toContain(message);
    expect(error).toMatch(/exp\.yaml:1:\d+: corruption\.matrix/);
  });

  it.each([
    [{}, 'corruption.matrix is missing: transition-matrix needs matrix or file.'],
    [
      { matrix: ROWS, file: 't.csv' },
      'corruption.file is given beside matrix: transition-matrix takes one',
    ],
    [
      { matrix: ROWS, sha256: '0'.repeat(64) },
      'corruption.sha256 is that of a file, and none is named.',
    ],
    [{ file: 't.csv', sha256: 'abc' }, 'corruption.sha256 must be'],
  ])('goes with nothing else: %j', async (rest, message) => {
    expect(await errorOf(() => of(matrix(rest)))).toContain(message);
  });

  it('rounded in its last of four digits passes', async () => {
    const rows = [
      [0.3333, 0.3333, 0.3333],
      [0, 1, 0],
      [0, 0, 1],
    ];
    expect((await of(matrix({ matrix: rows }))).corruption[0]!.matrix).toEqual(rows);
  });
});

it('a twin has the labels of training examples', async () => {
  const config = {
    data: { split: { from: 'test', train: 5, test: 5 } },
    corruption: { kind: 'label-file-twin', file: 'x', sha256: '0'.repeat(64) },
  };
  expect(await errorOf(() => loadExperiment(config))).toBe(
    'data.split.from is test, but label-file-twin has labels of training examples.',
  );
});
