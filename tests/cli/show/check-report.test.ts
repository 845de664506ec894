import { describe, expect, it } from 'vitest';
import type { CheckOutcome } from '../../../src/bench/check.js';
import {
  checkConditions,
  checkHeading,
  checkJson,
  checkRow,
} from '../../../src/cli/show/check-report.js';
import { RethinkError } from '../../../src/errors.js';

const ONE = { target: 'h200', model: 'inception', precision: 'bfloat16', part: 'train' } as const;
const COMPILED: CheckOutcome = {
  ...ONE,
  compiled: {
    seconds: 12.34,
    memory: { arguments: 78.3e6, results: 13.2e6, aliased: 13.2e6, temporary: 297e6 },
    donated: true,
    cost: {
      kernels: 1386,
      reductions: 191,
      bytesMoved: 2243e6,
      activationTransposes: 0,
      exchanges: 3,
      bytesExchanged: 6.6e6,
    },
    text: 'HloModule',
  },
};
const UNKNOWN: CheckOutcome = {
  ...ONE,
  part: 'evaluate',
  compiled: { seconds: 1, memory: null, donated: null, cost: null, text: null },
};
const FAILED: CheckOutcome = {
  ...ONE,
  problem: new RethinkError('failed', 'No ptxas.', { hint: 'Get it.' }),
};

const cells = (line: string) => line.trim().split(/ {2,}/);

describe('the table of engine check', () => {
  it('has a cell for all that is known, and a dash for what is not', () => {
    const width = Number.POSITIVE_INFINITY;
    const heading = cells(checkHeading(1, width));
    const row = cells(checkRow(COMPILED, 1, width));
    expect(Object.fromEntries(heading.map((title, i) => [title, row[i]]))).toEqual({
      target: 'h200',
      model: 'inception',
      precision: 'bfloat16',
      program: 'train',
      kernels: '1,386',
      reductions: '191',
      'MB moved': '2243',
      transposes: '0',
      'arguments MB': '78.3',
      'aliased MB': '13.2',
      'temporary MB': '297',
      donated: 'yes',
      'compile s': '12.3',
    });
    expect(cells(checkRow(UNKNOWN, 1, width)).slice(4)).toEqual([...Array(8).fill('–'), '1.0']);
    expect(cells(checkRow(FAILED, 1, width))).toEqual([
      'h200',
      'inception',
      'bfloat16',
      'train',
      'failed',
    ]);
  });

  it('has what several devices exchange, where there are several', () => {
    const exchanged = cells(checkHeading(4, Number.POSITIVE_INFINITY)).slice(-2);
    expect(exchanged).toEqual(['exchanges', 'MB exchanged']);
    expect(cells(checkRow(COMPILED, 4, Number.POSITIVE_INFINITY)).slice(-2)).toEqual(['3', '6.6']);
    expect(checkConditions(128, 4, 80)).toContain('shared by 4');
  });

  it('fits a terminal', () => {
    for (const line of [
      checkHeading(1, 80),
      checkRow(COMPILED, 1, 80),
      ...checkConditions(128, 1, 80).split('\n'),
    ]) {
      expect(line.trimEnd().length).toBeLessThanOrEqual(80);
    }
    expect(checkHeading(1, 80)).toContain('kernels');
  });

  it('is for programs, too', () => {
    expect(checkJson(COMPILED, 1)).toMatchObject({
      program: 'train',
      kernels: 1386,
      bytes_moved: 2243e6,
      aliased_bytes: 13.2e6,
      donated: true,
    });
    expect(JSON.stringify(checkJson(UNKNOWN, 1))).toContain('"kernels":null');
    expect(checkJson(FAILED, 2)).toEqual({
      target: 'h200',
      devices: 2,
      model: 'inception',
      precision: 'bfloat16',
      program: 'train',
      problem: 'No ptxas.',
      hint: 'Get it.',
    });
  });
});
