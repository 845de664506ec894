import { isUtf8 } from 'node:buffer';

/**
 * Names are bytes: on Linux nothing but a slash and a zero is forbidden in them. A name that isn't UTF-8 is text with each
 * byte that fits nowhere as a lone surrogate (U+DC80 to U+DCFF, as Python's `surrogateescape` has it), so that two names are
 * never taken for one, and a file is found by its own.
 */
export function nameOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(
      (n) => at + n <= bytes.length && isUtf8(bytes.subarray(at, at + n)),
    );
    name += length
      ? bytes.toString('utf8', at, at + length)
      : String.fromCharCode(0xdc00 + bytes[at]!);
    at += length ?? 1;
  }
  return name;
}

// With this flag a pair of surrogates is one character, and only a lone one is found.
const ESCAPED = /[\udc80-\udcff]/u;

/** What a path is on the disk: itself, or the bytes that `nameOfBytes` made it of. */
export function pathOnDisk(path: string): string | Buffer {
  if (!ESCAPED.test(path)) return path;
  return Buffer.concat(
    Array.from(path, (character) => {
      const code = character.codePointAt(0)!;
      return ESCAPED.test(character) ? Buffer.of(code - 0xdc00) : Buffer.from(character);
    }),
  );
}
