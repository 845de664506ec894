import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RethinkError } from '../../errors.js';
import { nearest } from '../nearest.js';
import { SCHEMA_PATH } from '../template.js';

/** `configs` of the package: the same place seen from src and from dist. */
const FOLDER = fileURLToPath(new URL('../../../configs/', import.meta.url));

/** Names of the configs that come with the package: `quickstart`, `paper/table1`. */
export function shippedConfigs(): string[] {
  return Object.keys(shippedFiles()).sort();
}

/** The file of a shipped config; `undefined` where none has this name, or where a file of the user's own has it. */
export function shippedConfig(name: string): string | undefined {
  return isFile(name) ? undefined : fileOf(name);
}

/** The name of the shipped config that was most likely meant, also by one who wrote more or less than its name. */
export function nearestShipped(given: string): string | undefined {
  const asked = given.replace(/^(.*\/)?configs\//, '').replace(/\.(ya?ml|json)$/i, '');
  const names = shippedConfigs();
  const lastPart = nearest(
    basename(asked),
    names.map((name) => basename(name)),
  );
  return nearest(asked, names) ?? names.find((name) => basename(name) === lastPart);
}

/** What a shipped config is about: the first line of its comments, or its main kinds where it has none. */
export function shippedSummary(name: string): string {
  const text = readFileSync(shippedFiles()[name]!, 'utf8');
  const line = /^# (?!yaml-language-server)(.+)\.$/m.exec(text)?.[1];
  if (line !== undefined) return line;
  const { data, corruption, model } = JSON.parse(text) as Record<string, Record<string, string>>;
  return [data?.name, corruption?.kind, model?.name].filter(Boolean).join(', ');
}

/**
 * A shipped config to be written elsewhere: the name of its file, and its text with the schema where an editor finds it.
 *
 * @throws RethinkError (`usage`) where none has this name.
 */
export function copyOfShipped(name: string): { file: string; text: string } {
  const path = fileOf(name);
  if (path === undefined) throw unknownConfig(name);
  const text = readFileSync(path, 'utf8').replace(/\.{1,2}\/schema\.json/, SCHEMA_PATH);
  return { file: basename(path), text };
}

/** The error of a name that is neither a file's nor a shipped config's. */
export function unknownConfig(name: string): RethinkError {
  const near = nearestShipped(name);
  return new RethinkError('usage', `There is no ${name}.`, {
    hint:
      near === undefined
        ? `These come with rethink-gen: ${shippedConfigs().join(', ')}.`
        : `Did you mean ${near}?`,
  });
}

function fileOf(name: string): string | undefined {
  const files = shippedFiles();
  return Object.hasOwn(files, name) ? files[name] : undefined;
}

function shippedFiles(): Record<string, string> {
  if (!existsSync(FOLDER)) return {};
  const files: Record<string, string> = {};
  for (const path of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
    const [, name] = /^(.+)\.(?:yaml|json)$/.exec(path.replaceAll('\\', '/')) ?? [];
    // The schema that editors check configs with is no config.
    if (name !== undefined && name !== 'schema') files[name] = join(FOLDER, path);
  }
  return files;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
