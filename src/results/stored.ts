import { z } from 'zod';

/**
 * What a file holds may have been written by an earlier or a later version: of `T`, all that nothing can be told without
 * is there, and of the rest what its writer knew.
 *
 * @template Needed Keys that a reader can't do without, at any depth.
 */
export type Stored<T, Needed extends string> = T extends readonly (infer Element)[]
  ? Stored<Element, Needed>[]
  : T extends object
    ? { [K in keyof T as K extends Needed ? K : never]: Stored<T[K], Needed> } & {
        [K in keyof T as K extends Needed ? never : K]?: Stored<T[K], Needed> | undefined;
      }
    : T;

/** A kind of row or file of a run directory, written strictly and read leniently. */
export interface Kept<T, S> {
  /** Takes keys it does not know, and does without those that are not needed; a wrong type is refused. */
  readonly schema: z.ZodType<S>;
  /** Keys that a file of this version would have and this one has not, as paths: `engine.mode`. */
  missing(stored: S): string[];
  /**
   * Gives a value back that is about to be written.
   *
   * @throws TypeError where a key is unknown or missing: a bug.
   */
  written(value: T): T;
}

type Output<Keys extends z.core.$ZodLooseShape> = z.output<z.ZodObject<Keys>>;

/**
 * Declares a row or file by the schemas of its keys.
 *
 * @param needed See `Stored`.
 * @param carried Keys whose values may come from another version's file, and are written again as they were read.
 */
export function keep<Keys extends z.core.$ZodLooseShape, Needed extends string = never>(
  keys: Keys,
  needed: readonly Needed[] = [],
  carried: readonly (keyof Keys & string)[] = [],
): Kept<Output<Keys>, Stored<Output<Keys>, Needed>> {
  const strict = z.strictObject(keys);
  return {
    schema: lenient(strict, needed) as unknown as z.ZodType<Stored<Output<Keys>, Needed>>,
    missing: (stored) => missingIn(strict, stored, ''),
    written(value) {
      const own = Object.entries(value as object).map(([key, inner]) =>
        inner !== undefined && carried.includes(key) ? [key, null] : [key, inner],
      );
      const checked = Object.fromEntries(own);
      const wrong = [
        ...missingIn(strict, checked, '').map((key) => `no ${key}`),
        ...unknownIn(strict, checked, '').map((key) => `an unknown ${key}`),
      ];
      if (wrong.length > 0) throw new TypeError(`a row or result has ${wrong.join(', ')}`);
      return value;
    },
  };
}

/** The same schema for readers: nothing but the `needed` keys must be there, and unknown keys stay. */
function lenient(schema: z.core.$ZodType, needed: readonly string[]): z.ZodType {
  if (schema instanceof z.ZodNullable) return lenient(schema.unwrap(), needed).nullable();
  if (schema instanceof z.ZodOptional) return lenient(schema.unwrap(), needed).optional();
  if (schema instanceof z.ZodArray) return z.array(lenient(schema.element, needed));
  if (!(schema instanceof z.ZodObject)) return schema as z.ZodType;
  const keys = Object.entries(schema.shape).map(([key, of]) => {
    const inner = lenient(of, needed);
    return [key, needed.includes(key) ? inner : inner.optional()];
  });
  return z.looseObject(Object.fromEntries(keys));
}

function missingIn(schema: z.core.$ZodType, value: unknown, path: string): string[] {
  return entriesOf(schema, value).flatMap(([key, of, inner]) => {
    if (inner !== undefined) return missingIn(of, inner, `${path}${key}.`);
    return of instanceof z.ZodOptional ? [] : [`${path}${key}`];
  });
}

function unknownIn(schema: z.core.$ZodType, value: unknown, path: string): string[] {
  const entries = entriesOf(schema, value);
  if (entries.length === 0) return [];
  const known = new Set(entries.map(([key]) => key));
  const strange = Object.entries(value as object).filter(
    ([key, inner]) => !known.has(key) && inner !== undefined,
  );
  return [
    ...strange.map(([key]) => `${path}${key}`),
    ...entries.flatMap(([key, of, inner]) => unknownIn(of, inner, `${path}${key}.`)),
  ];
}

/** The keys of an object by its schema, with what stands there; none of what is no object. */
function entriesOf(
  schema: z.core.$ZodType,
  value: unknown,
): [key: string, of: z.core.$ZodType, inner: unknown][] {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    return entriesOf(schema.unwrap(), value);
  }
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return [];
  return Object.entries(schema.shape as z.core.$ZodLooseShape).map(([key, of]) => [
    key,
    of,
    (value as Record<string, unknown>)[key],
  ]);
}

/** Hears a sentence about what a file lacks, once a file. */
export type Tell = (sentence: string) => void;

/** Says which keys or columns a file lacks, where it lacks some. */
export function tellMissing(where: string, missing: Iterable<string>, tell?: Tell): void {
  const names = [...missing];
  if (names.length === 0) return;
  tell?.(`${where} has no ${names.join(', ')}: another version of rethink-gen wrote it.`);
}
