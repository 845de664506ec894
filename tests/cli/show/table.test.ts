import { describe, expect, it } from 'vitest';
import { table } from '../../../src/cli/show/table.js';
import { widthOf } from '../../../src/text.js';

const ROWS = [
  ['trial', 'train accuracy', 'test', 'outcome', 'run'],
  ['corruption.kind=none', '100.00 %', '67.60 %', 'fitted', 'results/quickstart/20261130T1'],
  ['corruption.kind=random-labels,seed=10', '99.50 %', '9.1 %', 'all epochs used', 'r/2'],
];

describe('a table', () => {
  it('is as wide as it takes where nobody says how wide it may be', () => {
    expect(
      table([
        ['a', '1'],
        ['bb', '10'],
      ]),
    ).toBe('a    1\nbb  10\n');
    expect(table(ROWS, [3, 4]).split('\n')[1]).toBe(
      `corruption.kind=none                         100.00 %  67.60 %  fitted           ${ROWS[1]![4]}`,
    );
  });

  it.each([50, 60, 80, 100])('fits %i columns, and every number stays whole', (width) => {
    const text = table(ROWS, [3, 4], { width, spare: [4] });
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
    for (const number of ['100.00 %', '67.60 %', '99.50 %', '9.1 %']) {
      expect(text).toContain(number);
    }
  });

  it('leaves out what can be spared before it breaks anything', () => {
    const text = table(ROWS, [3, 4], { width: 90, spare: [4] });
    expect(text).not.toContain('results/');
    expect(text).toContain('corruption.kind=random-labels,seed=10');
  });

  it('breaks text after its marks and between words, under itself', () => {
    expect(table([['fit', '95 % in epoch 3, 99 % never, results/a/b']], [1], { width: 25 })).toBe(
      'fit  95 % in epoch 3,\n     99 % never,\n     results/a/b\n',
    );
    const long = table([['run', 'results/quickstart/20261130T1']], [1], { width: 24 });
    expect(long).toBe('run  results/quickstart/\n     20261130T1\n');
  });

  it('pads by columns, not by characters', () => {
    expect(
      table([
        ['训练', '1'],
        ['ab', '2'],
      ]),
    ).toBe('训练  1\nab    2\n');
  });

  it('becomes a block of lines for each row where there is no room for its columns', () => {
    expect(table(ROWS, [3, 4], { width: 40, header: true })).toBe(
      `corruption.kind=none
  train accuracy  100.00 %
  test            67.60 %
  outcome         fitted
  run             results/quickstart/
                  20261130T1

corruption.kind=random-labels,seed=10
  train accuracy  99.50 %
  test            9.1 %
  outcome         all epochs used
  run             r/2
`,
    );
  });
});
