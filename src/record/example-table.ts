import { join } from 'node:path';
import { type Confirm, writeFileAtomic } from '../disk/files.js';
import { readingParquet } from '../disk/parquet.js';
import { isThere } from '../disk/reading.js';
import type { ExampleLabels, ExampleScores } from '../results/examples.js';
import { version } from '../version.js';

const tablePath = (directory: string) => join(directory, 'examples.parquet');

/** Parquet's types by what a column holds. */
type ColumnType = 'INT64' | 'INT32' | 'BOOLEAN' | 'DOUBLE';

export interface Column {
  name: string;
  type: ColumnType;
  /** A value for each example; `null` where there is none. */
  data: (number | bigint | boolean | null)[];
}

/** A column of numbers; what is none is null. */
export const numbers = (name: string, type: ColumnType, values: ArrayLike<number>): Column => ({
  name,
  type,
  data: Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
});

const flags = (name: string, values: Uint8Array): Column => ({
  name,
  type: 'BOOLEAN',
  data: Array.from(values, (flag) => flag === 1),
});

/** What is known of the examples before the first step. */
export const labelColumns = (labels: ExampleLabels): Column[] => [
  { name: 'index', type: 'INT64', data: Array.from(labels.index, BigInt) },
  numbers('true_label', 'INT32', labels.true_label),
  numbers('given_label', 'INT32', labels.given_label),
  flags('drawn', labels.drawn),
  flags('changed', labels.changed),
];

/** Columns of `examples.parquet`, in order; epochs that never came are null. */
function columnsOf(labels: ExampleLabels, scores: ExampleScores): Column[] {
  const epochs = (name: string, values: Int32Array): Column => ({
    name,
    type: 'INT32',
    data: Array.from(values, (epoch) => (epoch === 0 ? null : epoch)),
  });
  return [
    ...labelColumns(labels),
    epochs('first_learned', scores.first_learned),
    epochs('learned_for_good', scores.learned_for_good),
    numbers('forgetting_events', 'INT32', scores.forgetting_events),
    numbers('confidence', 'DOUBLE', scores.confidence),
    numbers('variability', 'DOUBLE', scores.variability),
    numbers('aum', 'DOUBLE', scores.aum),
    numbers('cumulative_loss', 'DOUBLE', scores.cumulative_loss),
    numbers('last_prediction', 'INT32', scores.last_prediction),
    numbers('last_probability', 'DOUBLE', scores.last_probability),
  ];
}

/**
 * Writes `examples.parquet` of a run: a row for each training example, in the order of the training set.
 *
 * @throws RethinkError (`failed`) where the disk refuses.
 */
export async function writeExampleTable(
  directory: string,
  labels: ExampleLabels,
  scores: ExampleScores,
  confirm?: Confirm,
): Promise<void> {
  const metadata = { classes: labels.classes, epochs: scores.epochs };
  await writeParquet(tablePath(directory), columnsOf(labels, scores), metadata, confirm);
}

/** Writes columns of one length, and metadata as JSON. @throws RethinkError (`failed`) where the disk refuses. */
export async function writeParquet(
  path: string,
  columns: readonly Column[],
  metadata: Readonly<Record<string, unknown>>,
  confirm?: Confirm,
): Promise<void> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const bytes = parquetWriteBuffer({
    columnData: columns.map(({ name, type, data }) => ({
      name,
      type,
      data,
      nullable: data.includes(null),
    })),
    createdBy: `rethink-gen version ${version}`,
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({
      key,
      value: JSON.stringify(value),
    })),
  });
  writeFileAtomic(path, new Uint8Array(bytes), 'run', confirm);
}

/** Of each training example of a run: [examples]. */
export interface FirstLearned {
  /** 1 where its label differs from the true one. */
  changed: Uint8Array;
  /** The first evaluated epoch in which its given label was predicted; 0: none. */
  first_learned: Int32Array;
}

/**
 * Reads two columns of a run's `examples.parquet`, and nothing else of it.
 *
 * @returns `null` where there is none.
 * @throws RethinkError (`data`) where it is damaged.
 */
export async function readFirstLearned(directory: string): Promise<FirstLearned | null> {
  const path = tablePath(directory);
  if (!isThere(path)) return null;
  return readingParquet(path, async () => {
    const { asyncBufferFromFile, parquetMetadataAsync, parquetRead } = await import('hyparquet');
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const rows = Number(metadata.num_rows);
    const read = { changed: new Uint8Array(rows), first_learned: new Int32Array(rows) };
    const columns = Object.keys(read) as (keyof FirstLearned)[];
    let values = 0;
    await parquetRead({
      file,
      metadata,
      columns,
      onChunk({ columnName, columnData, rowStart }) {
        const column = read[columnName as keyof FirstLearned];
        for (let i = 0; i < columnData.length; i++) column[rowStart + i] = Number(columnData[i]);
        values += columnData.length;
      },
    });
    if (values !== rows * columns.length)
      throw new Error(`it lacks values of ${columns.join(' or ')}`);
    return read;
  });
}
