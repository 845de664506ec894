import { printable, printableLines } from '../errors.js';
import { widthOf } from '../text.js';
import { type CliContext, isFancy, type Output } from './context.js';

/** What colors and bars are made of: `ESC [ … letter`, and the return to the beginning of the line. */
const ESCAPE = '\u001b';
const OWN = new RegExp(`(${ESCAPE}\\[[0-9;?]*[A-Za-z]|[\r\n])`);

/** Most of what we write that is not ASCII, one column for one, for a terminal that shows nothing else. */
const PLAIN: Record<string, string> = {
  '…': '.',
  '–': '-',
  '−': '-',
  '·': '*',
  '×': 'x',
  '→': '>',
  '✓': '+',
  '✗': 'x',
  '█': '#',
  '░': '.',
};

/** Names and formulas as well: a question mark for each column, as `ls` has it. */
const inAscii = (text: string) =>
  text.replace(/\P{ASCII}/gu, (character) => PLAIN[character] ?? '?'.repeat(widthOf(character)));

/**
 * A stream to which no text brings a control character of a stranger's. Whoever composes a line makes the names in it
 * printable; this is for the line where that was forgotten, and for what libraries write.
 *
 * On a terminal of a locale without Unicode it becomes ASCII.
 */
export function guarded(stream: Output, env: CliContext['env']): Output {
  // Only where colors and bars go do their sequences pass.
  const safe = isFancy(stream, env)
    ? (text: string) =>
        text
          .split(OWN)
          .map((part, i) => (i % 2 === 1 ? part : printable(part)))
          .join('')
    : printableLines;
  const plain = stream.isTTY === true && !hasUnicode(env);
  const shown = (text: string) => (plain ? inAscii(safe(text)) : safe(text));
  const write = (chunk: unknown, ...rest: unknown[]) =>
    (stream.write as (...args: unknown[]) => boolean).call(
      stream,
      typeof chunk === 'string' ? shown(chunk) : chunk,
      ...rest,
    );
  return new Proxy(stream, {
    get(target, key) {
      if (key === 'write') return write;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Whether a terminal shows more than ASCII, as far as the locale tells: where none is set, it mostly does. */
function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: CliContext['env']): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG;
  return !locale || /utf-?8/i.test(locale);
}
