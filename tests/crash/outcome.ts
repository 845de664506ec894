import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '../../src/record/checkpoint.js';

/** What a finished run left, but for what tells the time: equal runs have equal records. */
export type Outcome = Record<string, string>;

const TIMES = /"(seconds|images_per_second|heartbeat|trainSeconds)": ?[^,\n}]+/g;
const WHOLE = ['config.json', 'corruption.json', 'steps.csv', 'predictions.json'];

/**
 * @param runDir Of a run that says it is finished.
 * @throws where a file is missing or can't be read.
 */
export function outcomeOf(runDir: string): Outcome {
  const read = (file: string) => readFileSync(join(runDir, file), 'utf8');
  const outcome: Outcome = {};
  for (const file of WHOLE) outcome[file] = read(file);
  for (const file of ['metrics.jsonl', 'result.json']) {
    outcome[file] = read(file).replace(TIMES, '"$1": …');
  }
  const examples = readdirSync(join(runDir, 'examples')).map((name) => join('examples', name));
  for (const file of [...examples, 'examples.parquet']) {
    outcome[file] = readFileSync(join(runDir, file)).toString('hex');
  }
  outcome['metrics.csv'] = withoutTimes(read('metrics.csv'));
  for (const kind of ['last', 'best']) {
    const { checkpoint } = loadCheckpoint(join(runDir, 'checkpoints', `${kind}.safetensors`));
    const tensors = Object.entries(checkpoint.state).map(
      ([name, { shape, data }]) =>
        `${name} ${shape} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`,
    );
    const progress = JSON.stringify(checkpoint.progress).replace(TIMES, '"$1": …');
    outcome[`checkpoints/${kind}`] = [progress, ...tensors].join('\n');
  }
  outcome.state = (JSON.parse(read('status.json')) as { state: string }).state;
  outcome.leftovers = leftovers(runDir).join(' ');
  return outcome;
}

/** The files that differ, with the first line that does. */
export function differences(found: Outcome, expected: Outcome): string[] {
  return Object.keys({ ...expected, ...found }).flatMap((file) => {
    const [a = '', b = ''] = [found[file], expected[file]];
    if (a === b) return [];
    const [lines, others] = [a.split('\n'), b.split('\n')];
    const line = lines.findIndex((text, i) => text !== others[i]);
    const at = line === -1 ? lines.length : line;
    const show = (text = '(nothing)') => text.slice(0, 200);
    return [`${file}:${at + 1}: ${show(lines[at])} instead of ${show(others[at])}`];
  });
}

function withoutTimes(csv: string): string {
  const rows = csv.split('\n').map((line) => line.split(','));
  const header = rows[0]!;
  const kept = header.map((name) => name !== 'seconds' && name !== 'images_per_second');
  return rows.map((row) => row.filter((_, i) => kept[i] !== false).join(',')).join('\n');
}

/** A lock that was about to be taken is removed when it is old; nothing else may stay. */
function leftovers(runDir: string): string[] {
  const names = ['.', 'checkpoints', 'examples'];
  const folders = names.map((name) => join(runDir, name)).filter(existsSync);
  const files = folders.flatMap((folder) => readdirSync(folder));
  return files.filter((name) => /^\.(?!lock\.)/.test(name) || name === 'lock');
}
