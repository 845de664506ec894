import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../src/errors.js';
import { EpochRows, readMetrics, readSteps, StepRows } from '../../src/record/rows.js';
import type { StoredStepRow } from '../../src/results/training.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** What happens to a table between two looks at it. */
type Change =
  | { kind: 'append'; rows: number }
  /** Half a row, as a process writes it that is not done; and the rest of it, or another one's. */
  | { kind: 'tear'; part: number }
  | { kind: 'mend' }
  /** A resumed run begins with the first row that it will write again. */
  | { kind: 'cut'; rows: number }
  | { kind: 'cut bytes'; bytes: number }
  /** Cut, and grown again beyond what it was. */
  | { kind: 'again'; rows: number }
  | { kind: 'replace'; rows: number }
  | { kind: 'rewrite' }
  | { kind: 'damage' }
  | { kind: 'remove' }
  | { kind: 'look' };

const few = fc.integer({ min: 0, max: 4 });
const changes = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), rows: few }) },
    fc.record({ kind: fc.constant('tear' as const), part: fc.double({ min: 0.01, max: 0.99 }) }),
    fc.record({ kind: fc.constant('mend' as const) }),
    fc.record({ kind: fc.constant('cut' as const), rows: few }),
    fc.record({ kind: fc.constant('cut bytes' as const), bytes: fc.nat(60) }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), rows: few }) },
    fc.record({ kind: fc.constant('replace' as const), rows: few }),
    fc.record({ kind: fc.constant('rewrite' as const) }),
    fc.record({ kind: fc.constant('damage' as const) }),
    fc.record({ kind: fc.constant('remove' as const) }),
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

/** A table of which no two rows are the same, but for their length. */
class Table {
  private count = 0;
  private torn = '';

  constructor(
    private readonly path: string,
    private readonly header: string,
    private readonly row: (n: number) => string,
  ) {}

  change(change: Change): void {
    const { path } = this;
    if (!existsSync(path)) writeFileSync(path, this.header);
    switch (change.kind) {
      case 'append':
        appendFileSync(path, this.rows(change.rows));
        break;
      case 'tear': {
        const [row] = this.rows(1).split('\n');
        const at = Math.ceil(row!.length * change.part);
        this.torn = row!.slice(at);
        appendFileSync(path, row!.slice(0, at));
        break;
      }
      case 'mend':
        appendFileSync(path, `${this.torn}\n`);
        this.torn = '';
        break;
      case 'cut':
        this.cut(change.rows);
        break;
      case 'cut bytes':
        truncateSync(path, Math.max(0, readFileSync(path).length - change.bytes));
        break;
      case 'again':
        this.cut(change.rows);
        appendFileSync(path, this.rows(change.rows + 1));
        break;
      case 'replace':
        writeFileSync(`${path}.new`, this.header + this.rows(change.rows));
        renameSync(`${path}.new`, path);
        break;
      case 'rewrite':
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/[1-8](?=\d*[,}\n])/g, '9'));
        break;
      case 'damage':
        appendFileSync(path, 'damaged\n');
        break;
      case 'remove':
        rmSync(path);
        break;
      case 'look':
        break;
    }
  }

  private rows(count: number): string {
    return Array.from({ length: count }, () => `${this.row(++this.count)}\n`).join('');
  }

  private cut(rows: number): void {
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    const kept = lines.slice(0, Math.max(this.header === '' ? 0 : 1, lines.length - rows));
    truncateSync(this.path, kept.join('\n').length + (kept.length > 0 ? 1 : 0));
  }
}

const outcome = <T>(read: () => T) => {
  try {
    return { value: read() };
  } catch (error) {
    return { error: messageOf(error) };
  }
};

/** Longer than what is looked at again of a file, a few rows together. */
const LONG = 'x'.repeat(70_000);

describe('EpochRows', () => {
  it.each([
    ['short', ''],
    ['long', LONG],
  ])('gives what a fresh reading gives, whatever has happened to the file: %s rows', (_, pad) => {
    const row = (n: number) => JSON.stringify({ epoch: 1, step: 10_000 + n, seconds: n, pad });
    fc.assert(
      fc.property(changes, (all) => {
        const folder = temporaryFolder();
        const table = new Table(join(folder, 'metrics.jsonl'), '', row);
        const rows = new EpochRows(folder);
        for (const change of all) {
          table.change(change);
          if (change.kind !== 'look') continue;
          expect(outcome(() => rows.read())).toEqual(outcome(() => readMetrics(folder)));
        }
      }),
      { numRuns: pad === '' ? 150 : 25 },
    );
  });

  it('says what a file lacks as a fresh reading does', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'metrics.jsonl');
    const rows = new EpochRows(folder);
    const told = (read: (tell: (sentence: string) => void) => void) => {
      const sentences: string[] = [];
      read((sentence) => sentences.push(sentence));
      return sentences;
    };
    for (const text of ['{"epoch":1,"step":1}\n', '{"epoch":2,"step":2,"seconds":1}\n']) {
      appendFileSync(path, text);
      const now = told((tell) => rows.read(tell));
      expect(now[0]).toContain('seconds');
      expect(now).toEqual(told((tell) => readMetrics(folder, tell)));
    }
  });

  it('gives the same array while nothing comes, and does not change one that it gave', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'metrics.jsonl');
    const rows = new EpochRows(folder);
    expect(rows.read()).toBe(rows.read());
    appendFileSync(path, '{"epoch":1,"step":1}\n{"epoch":2');
    const first = rows.read();
    expect(first).toHaveLength(1);
    expect(rows.read()).toBe(first);
    appendFileSync(path, ',"step":2}\n');
    expect(rows.read()).toHaveLength(2);
    expect(first).toHaveLength(1);
  });
});

describe('StepRows', () => {
  it('give what a fresh reading gives, whatever has happened to the file', () => {
    const header = 'step,epoch,learning_rate,loss,accuracy\n';
    const row = (n: number) => `${1000 + n},1,0.1,${n},0.5`;
    fc.assert(
      fc.property(changes, (all) => {
        const folder = temporaryFolder();
        const table = new Table(join(folder, 'steps.csv'), header, row);
        const steps = new StepRows(folder);
        let kept: StoredStepRow[] = [];
        const read = () => {
          const anew = () => {
            kept = [];
          };
          steps.visit((taken) => kept.push(taken), anew);
          return kept;
        };
        for (const change of all) {
          table.change(change);
          if (change.kind !== 'look') continue;
          expect(outcome(read)).toEqual(outcome(() => readSteps(folder)));
        }
      }),
      { numRuns: 150 },
    );
  });
});
