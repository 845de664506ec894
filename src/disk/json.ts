import { z } from 'zod';
import { messageOf, RethinkError } from '../errors.js';
import { readBounded } from './reading.js';

/**
 * JSON that keeps numbers JSON lacks: NaN and the infinities become the strings `"NaN"`, `"Infinity"`, `"-Infinity"`,
 * and `anyNumber` reads them back. All other numbers are written in full: they read back as the same bits.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, x) => (typeof x === 'number' && !Number.isFinite(x) ? String(x) : x),
    indent,
  );
}

/**
 * A number as `toJson` writes it. Its type is written down: the compiler's own declaration of the key `-Infinity` doesn't
 * compile where a consumer checks it.
 */
export const anyNumber: z.ZodType<number, number | 'NaN' | 'Infinity' | '-Infinity'> = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number),
]);

/** Far more than any JSON file of a run holds. */
const LARGEST_JSON = 64 * 1024 * 1024;

/**
 * Reads a JSON file of a run directory.
 *
 * @throws RethinkError (`data`) naming the file and what is wrong in it, `failed` where the disk can't be read.
 */
export function readJson<T>(path: string, schema: z.ZodType<T>): T {
  return parseJson(readBounded(path, LARGEST_JSON).toString('utf8'), schema, path);
}

/**
 * Parses and checks JSON that may come from a stranger.
 *
 * @param where Named in the error: a file, or a file and line.
 * @throws RethinkError (`data`).
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>, where: string): T {
  if (isDeep(text)) throw new RethinkError('data', `${where} is damaged: it is nested too deeply.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RethinkError('data', `${where} is damaged: it is not valid JSON.`, { cause: error });
  }
  return check(value, schema, where);
}

/** No file of ours comes near it, and what goes down into a value by calling itself has room for it. */
const DEEPEST = 1000;

function isDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '\\') i++;
    else if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

function check<T>(value: unknown, schema: z.ZodType<T>, where: string): T {
  const parsed = schema.safeParse(value, {
    error: ({ input }) => (input === undefined ? 'it is missing' : undefined),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = issue?.path.join('.') || 'the whole';
  throw new RethinkError(
    'data',
    `${where} is damaged: ${key}: ${issue?.message ?? messageOf(parsed.error)}.`,
    { cause: parsed.error },
  );
}
