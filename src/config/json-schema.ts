import { z } from 'zod';
import { configSchema } from './schema.js';

/** The part of JSON Schema (draft 7) that a config's schema is made of. */
export interface JsonSchema {
  $schema?: string;
  $id?: string;
  title?: string;
  description?: string;
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: string[];
  const?: string | number;
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
}

let cached: JsonSchema | undefined;

/**
 * The schema of a config file, for editors and for messages. Draft 7, since editors know little of later ones; `input`,
 * since what a person writes may leave out everything.
 */
export function configJsonSchema(): JsonSchema {
  cached ??= {
    ...(z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' }) as JsonSchema),
    title: 'rethink-gen config',
  };
  return cached;
}

/** The mapping that a key is, or may be beside shorter forms. */
export function mappingOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties !== undefined) return schema;
  for (const option of schema.anyOf ?? []) {
    const inner = mappingOf(option);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** A number's largest value. zod gives every integer the largest safe one: true, and of no use to a reader. */
export function mostOf({ maximum }: JsonSchema): number | undefined {
  return maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
}

/** The bounds of a number, each behind the word for it: at least, above, at most, below. */
export function boundsOf(
  schema: JsonSchema,
  words: readonly [string, string, string, string],
): string[] {
  const { minimum, exclusiveMinimum, exclusiveMaximum } = schema;
  const bounds = [minimum, exclusiveMinimum, mostOf(schema), exclusiveMaximum];
  return bounds.flatMap((bound, i) => (bound === undefined ? [] : [`${words[i]} ${bound}`]));
}
