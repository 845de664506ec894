import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { writeExampleTable } from '../../src/record/example-table.js';
import {
  cutExamples,
  eachExampleEpoch,
  exampleEpochPath,
  exampleEpochs,
  hasExamples,
  readExampleEpoch,
  readExampleLabels,
  writeExampleEpoch,
  writeExampleLabels,
} from '../../src/record/examples.js';
import { type ExampleLabels, scoreExamples } from '../../src/results/examples.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { anatomy, forge } from './forge.js';
import { errorOf } from './helpers.js';

const LABELS: ExampleLabels = {
  index: Uint32Array.from([4_000_000_000, 2, 7]),
  true_label: Int32Array.from([0, 1, 2]),
  given_label: Int32Array.from([0, 2, 2]),
  drawn: Uint8Array.from([1, 1, 0]),
  changed: Uint8Array.from([0, 1, 0]),
  classes: ['cat', 'dog', '=1+1"\u202e'],
  source: 4_000_000_001,
};

const evaluation = (epoch: number, classes = 3) => ({
  loss: Float32Array.from([0.5, Number.NaN, epoch]),
  margin: Float32Array.from([-1, Infinity, 1 / epoch]),
  prediction: Int32Array.from([0, classes - 1, 2]),
});

/** A run directory with examples of some epochs. */
function recorded(...epochs: number[]): string {
  const directory = temporaryFolder();
  writeExampleLabels(directory, LABELS);
  for (const epoch of epochs) writeExampleEpoch(directory, { epoch, ...evaluation(epoch) });
  return directory;
}

describe('the examples of a run', () => {
  it('come back as they were', () => {
    const directory = recorded(1, 12, 10_000);
    expect(hasExamples(directory)).toBe(true);
    expect(readExampleLabels(directory)).toEqual(LABELS);
    expect(exampleEpochs(directory)).toEqual([1, 12, 10_000]);
    const { prediction, ...read } = readExampleEpoch(directory, 12, 3);
    const { prediction: wanted, ...rest } = evaluation(12);
    expect(read).toEqual({ epoch: 12, ...rest });
    expect([...(prediction as Uint8Array)]).toEqual([...wanted]);
  });

  it.each([
    [256, 1],
    [257, 2],
    [65_537, 4],
  ])('take, of %i classes, %i bytes for a prediction', (classes, bytes) => {
    const directory = recorded();
    writeExampleEpoch(directory, { epoch: 1, ...evaluation(1, classes) });
    const { data } = anatomy(readFileSync(exampleEpochPath(directory, 1)));
    expect(data.length).toBe(3 * (4 + 4 + bytes));
    expect(readExampleEpoch(directory, 1, 3).prediction[1]).toBe(classes - 1);
  });

  it('are cut after an epoch, and nothing else is', () => {
    const directory = recorded(1, 2, 3, 10);
    const other = join(directory, 'examples', 'epoch-0003.npy');
    writeFileSync(other, 'mine');
    cutExamples(directory, 2);
    expect(exampleEpochs(directory)).toEqual([1, 2]);
    expect(readFileSync(other, 'utf8')).toBe('mine');
    cutExamples(directory, 0);
    expect(exampleEpochs(directory)).toEqual([]);
    expect(hasExamples(directory)).toBe(true);
    cutExamples(temporaryFolder(), 0);
  });

  it('are not cut where the run is another process’s by now', () => {
    const directory = recorded(1);
    expect(() =>
      cutExamples(directory, 0, () => {
        throw new Error('lost');
      }),
    ).toThrow('lost');
    expect(exampleEpochs(directory)).toEqual([1]);
  });

  it('that are not there are told of', () => {
    const error = errorOf(() => readExampleLabels(temporaryFolder()));
    expect(error).toMatchObject({ kind: 'data' });
    expect(error.hint).toContain('record.examples=true');
  });
});

describe('a damaged file of examples', () => {
  const damages: [string, (path: string, bytes: Buffer) => void, RegExp][] = [
    ['cut short', (path, bytes) => writeFileSync(path, bytes.subarray(0, -1)), /its data/],
    ['empty', (path) => writeFileSync(path, ''), /only 0 bytes/],
    [
      'of another kind',
      (path) => writeFileSync(path, 'x'.repeat(500)),
      /header|not a file of examples/,
    ],
    [
      'of a flipped bit',
      (path, bytes) => {
        bytes[bytes.length - 2]! ^= 1;
        writeFileSync(path, bytes);
      },
      /SHA-256/,
    ],
    ['of another epoch', (path) => renameSync(path.replace('0002', '0001'), path), /another epoch/],
    [
      'a folder',
      (path) => {
        renameSync(path, `${path}.old`);
        mkdirSync(path);
      },
      /not a regular file/,
    ],
    [
      'without a column',
      (path, bytes) => {
        const { header, data } = anatomy(bytes);
        delete header.prediction;
        forge(path, header, data.subarray(0, 24));
      },
      /columns are not loss, margin, prediction/,
    ],
    [
      'of a column of another type',
      (path, bytes) => {
        const { header, data } = anatomy(bytes);
        header.loss.dtype = 'I32';
        forge(path, header, data);
      },
      /loss is not a column like the others/,
    ],
    [
      'of other examples',
      (path, bytes) => {
        const { header, data } = anatomy(bytes);
        header.loss = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
        header.margin = { dtype: 'F32', shape: [2], data_offsets: [8, 16] };
        header.prediction = { dtype: 'U8', shape: [2], data_offsets: [16, 18] };
        forge(path, header, data.subarray(0, 18));
      },
      /2 examples, and the run has 3/,
    ],
  ];

  it.each(damages)('%s is named, and left out where someone hears of it', (_, damage, said) => {
    const directory = recorded(1, 2, 3);
    const path = exampleEpochPath(directory, 2);
    damage(path, readFileSync(path));
    const error = errorOf(() => readExampleEpoch(directory, 2, 3));
    expect(error).toMatchObject({ kind: 'data' });
    expect(error.message).toContain(path);
    expect(error.message).toMatch(said);
    const told: string[] = [];
    const read = [...eachExampleEpoch(directory, 3, (sentence) => told.push(sentence))];
    expect(read.map(({ epoch }) => epoch)).toEqual(exampleEpochs(directory).filter((n) => n !== 2));
    expect(told).toEqual([expect.stringContaining(path)]);
    expect(() => [...eachExampleEpoch(directory, 3)]).toThrow(error.message);
  });

  it('of labels beyond the classes, or of no classes, is refused', () => {
    const directory = recorded();
    const path = join(directory, 'examples', 'labels.safetensors');
    writeExampleLabels(directory, { ...LABELS, given_label: Int32Array.from([0, 3, -1]) });
    expect(errorOf(() => readExampleLabels(directory)).message).toContain('3 classes');
    writeExampleLabels(directory, { ...LABELS, source: 7 });
    expect(errorOf(() => readExampleLabels(directory)).message).toContain('beyond the 7 of');
    writeExampleLabels(directory, LABELS);
    const { header, data } = anatomy(readFileSync(path));
    header.__metadata__.classes = '[1]';
    forge(path, header, data);
    expect(errorOf(() => readExampleLabels(directory))).toMatchObject({ kind: 'data' });
  });

  it('behind a link is not read', () => {
    const [directory, other] = [temporaryFolder(), recorded(1)];
    symlinkSync(join(other, 'examples'), join(directory, 'examples'));
    for (const read of [readExampleLabels, exampleEpochs]) {
      expect(errorOf(() => read(directory)).message).toContain('symbolic link');
    }
  });
});

it('examples.parquet has a row for each example, and nothing for epochs that never came', async () => {
  const directory = recorded(1, 2);
  const finite = { ...evaluation(1), loss: Float32Array.from([0, 1, 2]) };
  writeExampleEpoch(directory, { epoch: 2, ...finite, prediction: Int32Array.from([1, 1, 2]) });
  const scores = scoreExamples(LABELS, eachExampleEpoch(directory, 3));
  await writeExampleTable(directory, LABELS, scores);
  const bytes = readFileSync(join(directory, 'examples.parquet'));
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatchObject({
    index: 4_000_000_000n,
    drawn: true,
    changed: false,
    first_learned: 1,
    learned_for_good: null,
    forgetting_events: 1,
    last_prediction: 1,
    last_probability: 1,
  });
  expect(rows[1]).toMatchObject({ given_label: 2, true_label: 1, changed: true, first_learned: 1 });
  expect(rows[2]).toMatchObject({ aum: 1, learned_for_good: 1, cumulative_loss: 3 });
});
