import { describe, expect, it } from 'vitest';
import { spreadsheetCell } from '../src/text.js';

describe('spreadsheetCell', () => {
  it.each([
    '=1+1',
    '+cmd',
    '-2+3',
    '@SUM(A1)',
    '-x',
    '＝1',
    ' =1',
    '-',
    '+',
    "=cmd|' /C calc'!A0",
    '-1-1',
  ])('lets nothing compute: %j', (text) => {
    expect(spreadsheetCell(text)).toBe(`'${text}`);
  });

  it.each(['\t=1', '\r=1', '\n=1', '\u0000=1', '\u001b[31mred', '\u202ex'])(
    'escapes %j',
    (text) => {
      expect(spreadsheetCell(text)).toMatch(/^\\/);
    },
  );

  it.each([
    '-1',
    '+1.25',
    '-.5',
    '-1e-7',
    '-1.5E+10',
    '-12,345',
    '-3.5 %',
    '-Infinity',
    '–',
    'a=b',
    '1-2',
    '',
  ])('leaves %j as it is', (text) => {
    expect(spreadsheetCell(text)).toBe(text);
  });

  it.each([-1, 0.1, true, null, undefined])('leaves %j as it is', (value) => {
    expect(spreadsheetCell(value)).toBe(value);
  });

  it('takes time in proportion to the length', () => {
    const long = `-${'1'.repeat(1_000_000)}x`;
    expect(spreadsheetCell(long)).toBe(`'${long}`);
  });
});
