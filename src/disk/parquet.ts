import { messageOf, RethinkError } from '../errors.js';
import { diskError, errorCode } from './errors.js';

/**
 * Reads a Parquet file: what hyparquet says of one that it can't read becomes a sentence.
 *
 * @throws RethinkError (`data`) where it is damaged; as `diskError` where the disk refuses.
 */
export async function readingParquet<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (/^E(?!RR_)/.test(errorCode(error))) throw diskError(error, 'read', path, 'input');
    const [why] = messageOf(error).split('\n');
    throw new RethinkError('data', `${path} is damaged, or no Parquet file: ${why}.`, {
      cause: error,
    });
  }
}
