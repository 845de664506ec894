import { type FileHandle, open } from 'node:fs/promises';
import { diskError, errorCode } from '../../disk/errors.js';
import { messageOf, RethinkError } from '../../errors.js';
import { throwIfInterrupted } from '../../progress.js';
import { grouped } from '../../text.js';

/** A server that sends nothing for this long has gone. */
const IDLE_SECONDS = 60;
/** Connections in a row that bring nothing before a download gives up. */
const MAX_IDLE_ATTEMPTS = 3;

export interface DownloadOptions {
  /** The exact size of the file. */
  bytes: number;
  /** What to do where the server can't be reached. */
  offlineHint: string;
  signal?: AbortSignal | undefined;
  /** Bytes in the file so far, those of an earlier attempt included. */
  onBytes?: ((done: number) => void) | undefined;
}

/**
 * Downloads into `part`, going on from what is already there (HTTP range), and again where a connection breaks.
 *
 * Every chunk is written at its own offset, so two processes that download the same file don't spoil each other's work.
 *
 * @throws RethinkError (`failed`) where the server can't be reached, answers with an error or with another size; what
 * arrived stays in `part` for the next attempt.
 */
export async function download(url: string, part: string, options: DownloadOptions): Promise<void> {
  const file = await openPart(part);
  try {
    let done = Math.min((await file.stat()).size, options.bytes);
    let idleAttempts = 0;
    while (done < options.bytes) {
      const before = done;
      done = await attempt(url, file, done, options);
      idleAttempts = done > before ? 0 : idleAttempts + 1;
      if (idleAttempts === MAX_IDLE_ATTEMPTS) throw cutOff(url, done, options);
    }
    await file.truncate(options.bytes);
    await file.sync();
  } catch (error) {
    throw diskError(error, 'write', part, 'dataset');
  } finally {
    await file.close();
  }
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw diskError(error, 'write', path, 'dataset');
  }
  try {
    return await open(path, 'w+');
  } catch (error) {
    throw diskError(error, 'write', path, 'dataset');
  }
}

/** One connection; returns how many bytes of the file are there after it. */
async function attempt(
  url: string,
  file: FileHandle,
  from: number,
  options: DownloadOptions,
): Promise<number> {
  const watchdog = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => watchdog.abort(), IDLE_SECONDS * 1000);
  };
  const stop = () => watchdog.abort();
  options.signal?.addEventListener('abort', stop);
  try {
    throwIfInterrupted(options.signal, `downloading ${url}`);
    alive();
    const response = await request(url, from, watchdog.signal, options);
    let done = startOf(response, url, from, options.bytes);
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      alive();
      if (done + chunk.length > options.bytes) throw wrongSize(url, undefined, options.bytes);
      await writeAll(file, chunk, done);
      done += chunk.length;
      options.onBytes?.(done);
    }
    return done;
  } catch (error) {
    throwIfInterrupted(options.signal, `downloading ${url}`);
    if (error instanceof RethinkError || isDiskError(error)) throw error;
    // The connection broke: what was written counts, and the next attempt goes on from there.
    return Math.max(from, Math.min((await file.stat()).size, options.bytes));
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
    // Whatever of the answer is left must not keep the connection, and the process, alive.
    watchdog.abort();
  }
}

async function request(
  url: string,
  from: number,
  signal: AbortSignal,
  { offlineHint }: DownloadOptions,
): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (from > 0) headers.range = `bytes=${from}-`;
  try {
    return await fetch(url, { headers, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = (error as { cause?: unknown }).cause;
    const why = errorCode(cause) || messageOf(cause ?? error);
    throw new RethinkError('failed', `Cannot reach ${new URL(url).host} for ${url}: ${why}.`, {
      hint: offlineHint,
      cause: error,
    });
  }
}

/** Where in the file the answer's body belongs; refuses an answer of another size before it is read. */
function startOf(response: Response, url: string, from: number, bytes: number): number {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  if (response.status === 200) {
    // A server that ignores ranges starts over.
    if (!Number.isNaN(length) && length !== bytes) throw wrongSize(url, length, bytes);
    return 0;
  }
  if (response.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const total = range?.[2];
    if (total !== undefined && total !== '*' && Number(total) !== bytes) {
      throw wrongSize(url, Number(total), bytes);
    }
    if (range !== null && Number(range[1]) === from) return from;
    throw new RethinkError('failed', `${url} answered with another range than the one asked for.`);
  }
  if (response.status === 416) throw wrongSize(url, from, bytes);
  throw new RethinkError('failed', `${url} answered ${response.status} ${response.statusText}.`, {
    hint: 'Try again later, or set RETHINK_GEN_MIRROR to a server that has the file.',
  });
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'].includes(errorCode(error));
}

/** @throws RethinkError (`data`): what arrived so far is of no use either. */
function wrongSize(url: string, offered: number | undefined, bytes: number): RethinkError {
  const has = offered === undefined ? `more than ${grouped(bytes)}` : grouped(offered);
  return new RethinkError('data', `${url} has ${has} bytes, and ${grouped(bytes)} are expected.`, {
    hint: 'It is not the official file, or its server answers with a page of its own.',
  });
}

function cutOff(url: string, done: number, { bytes, offlineHint }: DownloadOptions): RethinkError {
  return new RethinkError(
    'failed',
    `The download of ${url} broke off after ${grouped(done)} of ${grouped(bytes)} bytes.`,
    { hint: `Run the command again: it goes on from there. ${offlineHint}` },
  );
}
