import { linkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RethinkError } from '../errors.js';
import { again } from './again.js';
import { diskError, errorCode } from './errors.js';
import { ensureFolder, quietly, syncFolder, temporaryPath, writeFileAtomic } from './files.js';
import { readJson, toJson } from './json.js';
import { refuseLink } from './own-file.js';

const claimSchema = z.object({ name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/) });

/** Where the file system has no hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/**
 * Claims a name under which something is to be made, among any number of processes and machines: the first one's wish is
 * granted, and everybody, then and later, is told that same name. A claim is never taken back.
 *
 * @param path A file that stands for what is to be made.
 * @returns `wanted`, or what the first one wanted.
 * @throws RethinkError: `failed` where the disk refuses, `data` where the claim is damaged or a symbolic link.
 */
export function claim(path: string, wanted: string): string {
  const temporary = temporaryPath(path);
  try {
    ensureFolder(dirname(path));
    refuseLink(path);
    const content = `${toJson({ name: wanted })}\n`;
    writeFileAtomic(temporary, content);
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (NO_LINKS.includes(errorCode(error))) writeFileSync(path, content, { flag: 'wx' });
      else throw error;
    }
    syncFolder(dirname(path));
  } catch (error) {
    // Claimed already; by this process itself, where a network repeated the request.
    if (errorCode(error) !== 'EEXIST') throw diskError(error, 'create', path);
  } finally {
    quietly(() => unlinkSync(temporary));
  }
  // Seen late, or still being written where there are no links.
  return again(
    () => readClaim(path),
    (error) => error instanceof RethinkError && error.kind === 'data',
  );
}

/** The name that was claimed. @throws RethinkError (`data`) where there is no claim, or a damaged one. */
export function readClaim(path: string): string {
  return readJson(path, claimSchema).name;
}
