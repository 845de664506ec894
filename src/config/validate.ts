import type { z } from 'zod';
import { expectationAt, schemasAt, unknownKeyHint } from './keys.js';
import { nearest } from './nearest.js';
import { formatPath, type Key, type Problem, showValue } from './problems.js';
import { configSchema, type ParsedConfig } from './schema.js';

/** Says where a key or its value was set: `file:line:column`, or the override that did it. */
export type Locate = (path: readonly Key[], part: 'key' | 'value') => string;

type Issue = z.core.$ZodIssue;

/**
 * Checks a config against the schema.
 *
 * @param raw Plain values, overrides applied.
 * @returns The config with the schema's defaults, or every problem there is.
 */
export function validateConfig(
  raw: unknown,
  locate: Locate,
): { parsed: ParsedConfig; problems: [] } | { parsed: undefined; problems: Problem[] } {
  const result = configSchema.safeParse(raw);
  if (result.success) return { parsed: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => toProblems(issue, [], raw, locate));
  return { parsed: undefined, problems };
}

function toProblems(issue: Issue, base: Key[], raw: unknown, locate: Locate): Problem[] {
  const path = [...base, ...(issue.path as Key[])];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      where: locate([...path, key], 'key'),
      message: `${formatPath([...path, key])} is not a known key.`,
      hint: unknownKeyHint(path, key),
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = closestBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => toProblems(inner, path, raw, locate));
  }
  return [badValue(issue, path, valueAt(raw, path), locate)];
}

/** The branch of a union whose type the value has: its complaints are about the inside, not about the value itself. */
function closestBranch(branches: Issue[][]): Issue[] | undefined {
  for (const branch of branches) {
    const inside = branch.flatMap((issue) =>
      issue.code === 'invalid_union' && issue.path.length === 0
        ? (closestBranch(issue.errors) ?? [issue])
        : [issue],
    );
    const isOutside = (issue: Issue) =>
      issue.path.length === 0 && issue.code !== 'unrecognized_keys';
    if (!inside.some(isOutside)) return inside;
  }
  return undefined;
}

function badValue(issue: Issue, path: Key[], value: unknown, locate: Locate): Problem {
  const name = path.length === 0 ? 'the config' : formatPath(path);
  const where = locate(path, 'value');
  if (value === null || value === undefined) {
    const hint = `It should be ${expectationAt(path)}; leave the key out for its default.`;
    return { where, message: `${name} has no value.`, hint };
  }
  const expected =
    issue.code === 'invalid_format' ? issue.message : `${expectationAt(path)}${mostOf(issue)}`;
  const hint = typeof value === 'string' ? nameHint(value, path) : undefined;
  return { where, message: `${name} must be ${expected}, not ${showValue(value)}.`, hint };
}

/** The bound that every integer has: said to who has passed it. */
function mostOf(issue: Issue): string {
  const passed = issue.code === 'too_big' && issue.maximum === Number.MAX_SAFE_INTEGER;
  return passed ? ` and at most ${Number.MAX_SAFE_INTEGER}` : '';
}

function nameHint(value: string, path: Key[]): string | undefined {
  const names = schemasAt(path).flatMap((schema) => schema.enum ?? []);
  const close = nearest(value, names);
  return close === undefined ? undefined : `Did you mean ${close}?`;
}

function valueAt(raw: unknown, path: readonly Key[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<Key, unknown>)[key];
  }
  return value;
}
