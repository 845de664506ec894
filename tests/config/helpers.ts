import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { RethinkError } from '../../src/errors.js';

const folders: string[] = [];

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A new folder, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rethink-gen-'));
  folders.push(folder);
  return folder;
}

/** A config file in a folder of its own. */
export async function configFile(text: string | Uint8Array, name = 'exp.yaml'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, text);
  return path;
}

/** The error a person would see, with the file's folder taken out of it. */
export async function errorOf(action: () => unknown, path = ''): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const text = error.hint ? `${error.message}\nhint: ${error.hint}` : error.message;
    return folder === '' ? text : text.replaceAll(folder, '');
  }
  throw new Error('nothing was thrown');
}
