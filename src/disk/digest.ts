import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { throwIfInterrupted } from '../progress.js';
import { diskError } from './errors.js';

/** SHA-256 of a text or of bytes, in hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Digest of a whole file, in hex.
 *
 * @throws RethinkError: `data` where it can't be read, `interrupted`.
 */
export async function digestFile(
  path: string,
  algorithm: 'md5' | 'sha256',
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash(algorithm);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      throwIfInterrupted(signal, `reading ${path}`);
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    throw diskError(error, 'read', path, 'input');
  }
  return hash.digest('hex');
}
