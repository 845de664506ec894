import { describe, expect, it } from 'vitest';
import { csvLines } from '../src/csv.js';

const cell = (value: unknown) => csvLines([[value]]).slice(0, -1);

/** Lines as a spreadsheet reads them whose cells end at commas, or, where people write 0,5, at semicolons (RFC 4180). */
function read(text: string, separator: ',' | ';'): string[][] {
  const one = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\n]*))(${separator}|\n|$)`, 'gy');
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(one)) {
    lines.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === '\n') lines.push([]);
    if (end === '') break;
  }
  return lines.slice(0, -1);
}

describe('a cell of CSV', () => {
  const formulas = ['=1+1', '+cmd', '-2+3', '@SUM(A1)', '-x', '＝1', ' =1', '-', '+', '-1-1'];

  it.each([...formulas, "=cmd|' /C calc'!A0"])('lets nothing compute: %j', (text) => {
    expect(cell(text)).toBe(`'${text}`);
  });

  it.each(formulas)('lets nothing compute behind a semicolon either: %j', (text) => {
    expect(cell(`a;${text};b`)).toBe(`"a;'${text};b"`);
    expect(cell(`a "b";${text}`)).toBe(`"a ""b"";'${text}"`);
  });

  it.each(['\t=1', '\r=1', '\n=1', '\u0000=1', '\u001b[31mred', '\u202ex', 'a\nb', 'a\tb'])(
    'escapes %j',
    (text) => {
      expect(cell(text)).toMatch(/\\/);
      expect(cell(text)).not.toMatch(/\p{Cc}|\p{Cf}/u);
    },
  );

  it.each([
    '-1',
    '+1.25',
    '-.5',
    '-1e-7',
    '-1.5E+10',
    '-3.5 %',
    '-Infinity',
    '–',
    'a=b',
    '1-2',
    '',
    'a b',
    "it's",
  ])('leaves %j as it is', (text) => {
    expect(cell(text)).toBe(text);
  });

  it.each([
    [-1, '-1'],
    [0.1, '0.1'],
    [1e-7, '1e-7'],
    [-Infinity, '-Infinity'],
    [NaN, 'NaN'],
    [true, 'true'],
    [null, ''],
    [undefined, ''],
    [[512, 512], '"[512,512]"'],
    [{ kind: 'none' }, '"{""kind"":""none""}"'],
    ['-12,345', '"-12,345"'],
    ['0.5; 1', '"0.5; 1"'],
    [';', '";"'],
    ['"', '""""'],
  ])('of %j is %s', (value, text) => {
    expect(cell(value)).toBe(text);
  });

  it('takes time in proportion to the length', () => {
    const long = `-${'1'.repeat(1_000_000)}x`;
    expect(cell(long)).toBe(`'${long}`);
    expect(cell(';'.repeat(1_000_000))).toHaveLength(1_000_002);
  });
});

describe('lines of CSV', () => {
  const rows = [
    ['a; b', 'c, d', 'e "f"', '; ,"'],
    ['1', '', '2.5', ''],
  ];

  it('read back with commas', () => {
    expect(read(csvLines(rows), ',')).toEqual(rows);
  });

  it.each(['a; b', ';', 'a;b,c', '"a"; "b"'])(
    'with %j in a first cell are one cell of that also where cells end at semicolons',
    (text) => {
      expect(read(csvLines([[text]]), ';')).toEqual([[text]]);
    },
  );

  it('have all their cells in quotes where one has a semicolon', () => {
    expect(csvLines([['a;b', 1, '', null, 'c']])).toBe('"a;b","1",,,"c"\n');
  });

  it('are none of no rows', () => {
    expect(csvLines([])).toBe('');
  });
});
