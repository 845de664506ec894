import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLines, RethinkError } from '../src/errors.js';

/** What must not reach a terminal or a file that people open: C0, DEL, C1, direction, what can't be seen. */
const NASTY = [
  '\u0000',
  '\u0007',
  '\b',
  '\t',
  '\n',
  '\u000b',
  '\r',
  '\u001b[2J',
  '\u001b]0;x\u0007',
]
  .concat([
    '\u007f',
    '\u0085',
    '\u009b2J',
    '\u009d',
    '\u00ad',
    '\u200b',
    '\u200f',
    '\u202e',
    '\u2028',
  ])
  .concat(['\u2029', '\u2066', '\u2069', '\ufeff', '\u{e0041}']);

const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

describe('text with strangers’ names in it', () => {
  it.each(NASTY.map((text) => [JSON.stringify(text), text]))('is safe to print: %s', (_, text) => {
    const name = `train/${text}x`;
    expect(printable(name)).not.toMatch(UNSAFE);
    expect(printable(name)).toMatch(/^train\/\\[nrtu].*x$/);
    for (const error of [
      new RethinkError('data', name, { hint: name }),
      new RethinkError('data', [name], { hint: name }),
    ]) {
      expect(error.message).toBe(printable(name));
      expect(error.hint).toBe(printable(name));
    }
  });

  it('is left as it is where nothing in it is unsafe', () => {
    const text = 'Übung 東京 naïve 🐈 (50 %) – “x” a\\b';
    expect(printable(text)).toBe(text);
    expect(printableLines(`${text}\n${text}`)).toBe(`${text}\n${text}`);
  });

  it('has lines only where they are ours', () => {
    expect(new RethinkError('usage', ['2 problems:', '  a\nb']).message).toBe(
      '2 problems:\n  a\\nb',
    );
    expect(printableLines('a\n\u001bb\r\nc')).toBe('a\n\\u001bb\\r\nc');
  });

  it('says the same as JSON, and is safe to print as JSON', () => {
    const value = { text: NASTY.join('|'), [NASTY.join('-')]: [1, null, '🐈'] };
    for (const indent of [0, 2]) {
      const json = printableJson(JSON.stringify(value, null, indent));
      expect(JSON.parse(json)).toEqual(value);
      expect(json.replaceAll('\n', '')).not.toMatch(UNSAFE);
    }
  });
});
