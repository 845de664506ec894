import { printable, printableLines } from '../errors.js';
import type { Output } from './context.js';

/** What colors and bars are made of: `ESC [ … letter`, and the return to the beginning of the line. */
const ESCAPE = '\u001b';
const OWN = new RegExp(`(${ESCAPE}\\[[0-9;?]*[A-Za-z]|[\r\n])`);

/**
 * A stream to which no text brings a control character of a stranger's. Whoever composes a line makes the names in it
 * printable; this is for the line where that was forgotten, and for what libraries write.
 *
 * @param fancy Whether colors and bars go to it: only on such a one do their sequences pass.
 */
export function guarded(stream: Output, fancy: boolean): Output {
  const shown = (text: string) =>
    fancy
      ? text
          .split(OWN)
          .map((part, i) => (i % 2 === 1 ? part : printable(part)))
          .join('')
      : printableLines(text);
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
