import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { exampleEpochPath } from '../../src/record/examples.js';
import { SCORE_NAMES } from '../../src/results/examples.js';
import { runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';
import { cli } from './helpers.js';

const CONFIG = {
  ...TINY,
  corruption: { kind: 'flip-labels', fraction: 0.4 },
  train: { ...TINY.train, epochs: 4 },
  record: { ...TINY.record, examples: true },
};

describe('rethink-gen examples', () => {
  let runDir: string;
  beforeAll(async () => {
    const { config } = (await loadExperiment(CONFIG)).trials[0]!;
    ({ runDir } = await runExperiment(config, { out: temporaryFolder() }));
  });
  const json = async (...argv: string[]) => {
    const { code, stdout, stderr } = await cli(['examples', runDir, '--json', ...argv]);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };

  it('lists as many as are asked for, in words, and says how well the score finds changed labels', async () => {
    const { code, stdout } = await cli(['examples', runDir, '--top', '3']);
    expect(code).toBe(0);
    const [sentence, , header, ...rows] = stdout.trimEnd().split('\n');
    expect(sentence).toMatch(/^60 training examples, \d+ with a changed label; 4 epochs\./);
    expect(sentence).toMatch(/area under the ROC curve of 0\.\d{4} and a precision of [\d.]+ %\.$/);
    expect(header).toMatch(/^index +given +true +predicted +aum +learned/);
    expect(rows).toHaveLength(3);
  });

  it.each(SCORE_NAMES)('ranks by %s, the most suspected first', async (name) => {
    const { examples, by, found } = await json('--by', name, '--top', '1000');
    expect(by).toBe(name);
    expect(examples).toHaveLength(60);
    expect(found.auroc).toBeGreaterThan(0);
    const values = examples.map((row: Record<string, number | null>) => row[name] ?? Infinity);
    const falls = ['aum', 'confidence', 'last_probability'].includes(name);
    const sorted = values.toSorted((a: number, b: number) => (falls ? a - b : b - a));
    // Of forgetting events, those that were never learned come first.
    if (name !== 'forgetting_events') expect(values).toEqual(sorted);
  });

  it.each(['true', 'false'])('lists those alone whose label was changed: %s', async (which) => {
    const { examples } = await json('--changed', which, '--top', '1000');
    expect(examples.length).toBeGreaterThan(0);
    for (const { changed, given_label, true_label } of examples) {
      expect(String(changed)).toBe(which);
      expect(String(given_label !== true_label)).toBe(which);
    }
  });

  it('writes a table', async () => {
    const { stdout } = await cli(['examples', runDir, '--csv', '--top', '2']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('index,true_label,given_label,drawn,changed,first_learned');
  });

  it('writes a label file that a run takes, with predictions for those that are suspected', async () => {
    const out = join(temporaryFolder(), 'labels.csv');
    const { code, stderr } = await cli(['examples', runDir, '--top', '5', '--out', out]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('5 suspected')]);
    const { examples } = await json('--top', '5');
    const [header, ...rows] = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(header).toBe('index,true_label,label,prediction,suspected,relabeled');
    const cells = rows.map((row) =>
      row.split(',').map((cell) => (cell === '' ? null : Number(cell))),
    );
    expect(cells.filter((row) => row[1] !== null)).toHaveLength(60);
    const listed = cells.filter((row) => row[4] === 1);
    expect(listed.map(([index]) => index)).toEqual(
      examples
        .map(({ index }: { index: number }) => index)
        .toSorted((a: number, b: number) => a - b),
    );
    for (const [, , label, prediction, suspected, relabeled] of cells) {
      expect(relabeled).toBe(suspected === 1 ? prediction : label);
    }
    for (const column of ['label', 'relabeled']) {
      const corruption = { kind: 'label-file', file: out, column };
      const { config } = (await loadExperiment({ ...CONFIG, corruption, record: TINY.record }))
        .trials[0]!;
      const again = await runExperiment(config, { out: temporaryFolder() });
      const noise = (dir: string) =>
        JSON.parse(readFileSync(join(dir, 'corruption.json'), 'utf8')).train.labels_sha256;
      if (column === 'label') expect(noise(again.runDir)).toBe(noise(runDir));
      else expect(noise(again.runDir)).not.toBe(noise(runDir));
    }
    const refused = await cli(['examples', runDir, '--out', out]);
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('exists already'),
    });
  });

  it('says what is wrong with a run that has none, or a damaged file, and lists nothing', async () => {
    const { config } = (await loadExperiment(TINY)).trials[0]!;
    const plain = await runExperiment(config, { out: temporaryFolder() });
    const none = await cli(['examples', plain.runDir]);
    expect(none).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('record.examples=true'),
    });
    const path = exampleEpochPath(runDir, 2);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, 40));
    const out = join(temporaryFolder(), 'labels.csv');
    const damaged = await cli(['examples', runDir, '--out', out]);
    expect(damaged).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('epoch-0002'),
    });
    expect(existsSync(out)).toBe(false);
    writeFileSync(path, bytes);
  });

  it.each([
    [['--by', 'loss'], 'aum'],
    [['--top', '0'], 'at least 1'],
    [['--changed', 'maybe'], 'true, false'],
    [['--json', '--csv'], 'cannot be used with'],
  ])('refuses %j', async (argv, said) => {
    const { code, stderr } = await cli(['examples', runDir, ...argv]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
  });
});
