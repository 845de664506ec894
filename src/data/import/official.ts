import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RethinkError } from '../../errors.js';
import { fileError, fileSize, syncFolder } from '../files.js';
import { countPerClass } from '../inspect/count.js';
import { officialFiles, type PublishedSpec } from '../published/catalog.js';
import { mismatch } from '../published/fetch.js';
import type { Found } from '../published/locate.js';
import { openFound } from '../source.js';
import type { ImportOptions, ImportResult } from './types.js';

/**
 * Verifies official files that were got elsewhere and copies them into the data folder.
 *
 * @throws RethinkError: `data` where a digest is wrong, `usage` for an unpacked archive, which needs no import.
 */
export async function importOfficial(
  spec: PublishedSpec,
  found: Found,
  root: string,
  options: ImportOptions,
): Promise<ImportResult> {
  if (found.kind === 'folder') {
    throw new RethinkError('usage', `${found.path} is the unpacked official archive.`, {
      hint: `It needs no import: name it with data.dir, or copy it to ${join(root, basename(found.path))}.`,
    });
  }
  const folder = spec.layout === 'cifar' ? root : join(root, spec.name);
  let present = true;
  for (const file of officialFiles(spec)) {
    const from = found.kind === 'idx' ? found.files.get(file.file)! : found.path;
    const to = join(folder, file.file);
    const wrong = await mismatch(file, from, options.signal);
    if (wrong !== undefined) {
      throw new RethinkError('data', `${from} is not the official ${file.file}: ${wrong}.`, {
        hint: `To use its bytes as they are, name it with data.dir: they count as imported then.`,
      });
    }
    if (to === from) continue;
    if ((await fileSize(to)) === file.bytes && !(await mismatch(file, to, options.signal)))
      continue;
    present = false;
    options.onProgress?.({
      what: `copying ${file.file}`,
      done: 0,
      total: file.bytes,
      unit: 'bytes',
    });
    await copyAtomically(from, to);
  }
  const source = await openFound(spec, found, options);
  const perClass = await countPerClass(source, options);
  const { counts, classes } = source.info;
  const path = spec.layout === 'cifar' ? join(root, spec.archive.file) : folder;
  return { name: spec.name, path, origin: 'official', counts, classes, perClass, present };
}

async function copyAtomically(from: string, to: string): Promise<void> {
  const temporary = `${to}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, temporary);
    const file = await open(temporary, 'r+');
    await file.sync().finally(() => file.close());
    await rename(temporary, to);
    await syncFolder(dirname(to));
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, 'write', to, 'failed');
  }
}
