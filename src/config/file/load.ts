import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { messageOf, RethinkError } from '../../errors.js';
import { nearest } from '../nearest.js';
import { ConfigError } from '../problems.js';
import { type ParsedDocument, parseDocument } from './document.js';
import { nearestShipped, shippedConfig, unknownConfig } from './shipped.js';

/** A config file as read: plain values, nothing checked against the schema yet. */
export interface LoadedConfig extends ParsedDocument {
  /** As the caller gave it, or where the shipped config is: what errors call the file. */
  path: string;
  text: string;
  extension: ConfigExtension;
}

export type ConfigExtension = 'yaml' | 'yml' | 'json';

const EXTENSIONS: readonly string[] = ['.yaml', '.yml', '.json'];

/** Whether a config is meant: a file's name is that of one, or it is the name of one that comes with the package. */
export function isConfigName(path: string): boolean {
  return hasConfigExtension(path) || shippedConfig(path) !== undefined;
}

function hasConfigExtension(path: string): boolean {
  return EXTENSIONS.includes(extname(path).toLowerCase());
}

/** A config is a page; something larger is another file, given by mistake. YAML of this size takes a second to read. */
const MOST_BYTES = 128 * 1024;

/**
 * Reads a config file: YAML 1.2, or strict JSON where it ends in `.json`. A name without a file, such as `quickstart` or
 * `paper/table1`, is that of a config that comes with the package.
 *
 * @throws RethinkError (`usage`): no such file (naming similar ones), not a config's extension, too large, not UTF-8;
 *   ConfigError with line and column for a syntax error.
 */
export async function loadConfigFile(given: string): Promise<LoadedConfig> {
  const path = shippedConfig(given) ?? given;
  const extension = extname(path).toLowerCase();
  const text = decode(await readBounded(path), path);
  const format = extension === '.json' ? 'json' : 'yaml';
  const document = parseDocument(text, format, path);
  return {
    ...document,
    path,
    text,
    extension: extension.slice(1) as ConfigExtension,
  };
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    // Looked at before it is opened: opening a pipe would wait for whoever writes to it.
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new RethinkError('usage', `${path} is a folder, not a config file.`, {
        hint: 'A run directory goes on with: rethink-gen resume RUN_DIR',
      });
    }
    if (!hasConfigExtension(path)) {
      throw new RethinkError('usage', `${path} is not called .yaml, .yml or .json.`, {
        hint: 'A config is YAML or JSON, and its name says which.',
      });
    }
    if (!found.isFile()) throw new RethinkError('usage', `${path} is not a regular file.`);
    if (found.size > MOST_BYTES) {
      throw new RethinkError(
        'usage',
        `${path} has ${found.size} bytes; a config has at most ${MOST_BYTES}.`,
      );
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof RethinkError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw await missingError(path);
    // Limits of the system are told alike, whatever ran into them.
    if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') throw error;
    throw new RethinkError('usage', `${path} cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

async function missingError(path: string): Promise<RethinkError> {
  const folder = dirname(path);
  const siblings = await configFilesIn(folder);
  const file = await similarFile(basename(path), [folder, 'configs']);
  // Without an ending it is rather the name of a shipped one.
  const similar = hasConfigExtension(path)
    ? (file ?? nearestShipped(path))
    : (nearestShipped(path) ?? file);
  if (similar !== undefined) {
    return new RethinkError('usage', `There is no ${path}.`, { hint: `Did you mean ${similar}?` });
  }
  if (!hasConfigExtension(path)) return unknownConfig(path);
  const reason = siblings === undefined ? `: there is no folder ${folder}.` : '.';
  const listed = folder === '.' ? [] : (siblings ?? []).slice(0, 8);
  const hint =
    listed.length > 0
      ? `Config files there: ${listed.join(', ')}.`
      : 'Make a config with: rethink-gen init -o my.yaml';
  return new RethinkError('usage', `There is no ${path}${reason}`, { hint });
}

async function similarFile(name: string, folders: string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const close = nearest(name, (await configFilesIn(folder)) ?? []);
    if (close !== undefined) return join(folder, close);
  }
  return undefined;
}

async function configFilesIn(folder: string): Promise<string[] | undefined> {
  try {
    const names = await readdir(folder);
    return names.filter(hasConfigExtension).sort();
  } catch {
    return undefined;
  }
}

function decode(bytes: Buffer, path: string): string {
  try {
    // The decoder also takes away the byte-order mark that some editors put first.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const message = 'this is not UTF-8 text.';
    throw new ConfigError([{ where: path, message, hint: 'Save the file as UTF-8.' }], path);
  }
}
