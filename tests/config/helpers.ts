import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RethinkError } from '../../src/errors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A config file in a folder of its own. */
export async function configFile(text: string | Uint8Array, name = 'exp.yaml'): Promise<string> {
  const path = join(temporaryFolder(), name);
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
