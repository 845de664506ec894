import { type FileHandle, open } from 'node:fs/promises';
import type { Response } from 'undici';
import { diskError, errorCode, type Owner } from '../disk/errors.js';
import { RethinkError } from '../errors.js';
import { throwIfInterrupted } from '../progress.js';
import { grouped } from '../text.js';
import { type Network, request } from './request.js';
import { shownUrl } from './url.js';

/** A server that sends nothing for this long has gone. */
const IDLE_SECONDS = 60;
/** Connections in a row that bring nothing before a download gives up. */
const MAX_IDLE_ATTEMPTS = 3;

/** Bytes `start` to `end` of a file, `end` not included. */
export interface Range {
  start: number;
  end: number;
}

export interface DownloadOptions {
  /** The exact size of the file at the server. */
  bytes: number;
  /** The part of it that is wanted; default: the whole. */
  range?: Range | undefined;
  /** Whose file it is. */
  owner: Owner;
  /** What to do where the server can't be reached. */
  offlineHint: string;
  /** What to do where the server answers with an error. */
  answerHint: string;
  network?: Network | undefined;
  signal?: AbortSignal | undefined;
  /** Bytes of what is wanted that are there so far, those of an earlier attempt included. */
  onBytes?: ((done: number) => void) | undefined;
}

/** The server sends whole files only. */
export class NoRanges extends RethinkError {
  constructor(url: string) {
    super('failed', `${shownUrl(url)} is sent as a whole only, and a part was asked for.`);
  }
}

/**
 * Downloads into `part`, going on from what is already there (HTTP range), and again where a connection breaks.
 *
 * Every chunk is written at its own offset, so two processes that download the same file don't spoil each other's work.
 *
 * @throws RethinkError: `failed` where the server can't be reached or answers with an error (what arrived stays in `part`
 * for the next attempt), `NoRanges` where it has no parts; `data` where its file has another size.
 */
export async function download(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { start, end } = options.range ?? { start: 0, end: options.bytes };
  const wanted = end - start;
  const file = await openPart(part, options.owner);
  try {
    let done = Math.min((await file.stat()).size, wanted);
    options.onBytes?.(done);
    let idleAttempts = 0;
    while (done < wanted) {
      const before = done;
      done = await attempt(url, file, done, options);
      idleAttempts = done > before ? 0 : idleAttempts + 1;
      if (idleAttempts === MAX_IDLE_ATTEMPTS) throw cutOff(url, done, wanted, options);
    }
    await file.truncate(wanted);
    await file.sync();
  } catch (error) {
    throw diskError(error, 'write', part, options.owner);
  } finally {
    await file.close();
  }
}

async function openPart(path: string, owner: Owner): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw diskError(error, 'write', path, owner);
  }
  try {
    return await open(path, 'w+');
  } catch (error) {
    throw diskError(error, 'write', path, owner);
  }
}

/** One connection; returns how many bytes of what is wanted are there after it. */
async function attempt(
  url: string,
  file: FileHandle,
  from: number,
  options: DownloadOptions,
): Promise<number> {
  const { bytes, offlineHint, network, range = { start: 0, end: bytes } } = options;
  const wanted = range.end - range.start;
  const watchdog = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => watchdog.abort(), IDLE_SECONDS * 1000);
  };
  const stop = () => watchdog.abort();
  options.signal?.addEventListener('abort', stop);
  try {
    throwIfInterrupted(options.signal, `downloading ${shownUrl(url)}`);
    alive();
    const first = range.start + from;
    // A whole file is asked for from its beginning without a word of ranges: no server can misunderstand that.
    const last = range.end === bytes ? '' : range.end - 1;
    const headers: Record<string, string> =
      first === 0 && last === '' ? {} : { range: `bytes=${first}-${last}` };
    const response = await request(url, { headers, signal: watchdog.signal, network, offlineHint });
    let done = startOf(response, url, from, options);
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      alive();
      if (done + chunk.length > wanted) throw wrongSize(url, undefined, wanted);
      await writeAll(file, chunk, done);
      done += chunk.length;
      options.onBytes?.(done);
    }
    return done;
  } catch (error) {
    throwIfInterrupted(options.signal, `downloading ${shownUrl(url)}`);
    if (error instanceof RethinkError || isDiskError(error)) throw error;
    // The connection broke: what was written counts, and the next attempt goes on from there.
    return Math.max(from, Math.min((await file.stat()).size, wanted));
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
    // Whatever of the answer is left must not keep the connection, and the process, alive.
    watchdog.abort();
  }
}

/** Where in what is wanted the answer's body belongs; refuses an answer of another size before it is read. */
function startOf(
  response: Response,
  url: string,
  from: number,
  { bytes, range, answerHint }: DownloadOptions,
): number {
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  if (response.status === 200) {
    if (!Number.isNaN(length) && length !== bytes) throw wrongSize(url, length, bytes);
    if (range !== undefined && range.end - range.start < bytes) throw new NoRanges(url);
    // A server that ignores ranges starts over.
    return 0;
  }
  if (response.status === 206) {
    const got = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const total = got?.[2];
    if (total !== undefined && total !== '*' && Number(total) !== bytes) {
      throw wrongSize(url, Number(total), bytes);
    }
    if (got !== null && Number(got[1]) === (range?.start ?? 0) + from) return from;
    throw new RethinkError(
      'failed',
      `${shownUrl(url)} answered with another range than the one asked for.`,
      { hint: answerHint },
    );
  }
  if (response.status === 416) throw wrongSize(url, from, bytes);
  throw badAnswer(response, url, answerHint);
}

/** What a server's refusal tells a person. */
export function badAnswer(response: Response, url: string, hint: string): RethinkError {
  const { status, statusText } = response;
  const reason = statusText === '' ? String(status) : `${status} ${statusText}`;
  return new RethinkError('failed', `${shownUrl(url)} answered ${reason}.`, { hint });
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
  return new RethinkError(
    'data',
    `${shownUrl(url)} has ${has} bytes, and ${grouped(bytes)} are expected.`,
    { hint: 'It is not the official file, or its server answers with a page of its own.' },
  );
}

function cutOff(
  url: string,
  done: number,
  wanted: number,
  { offlineHint }: DownloadOptions,
): RethinkError {
  return new RethinkError(
    'failed',
    `The download of ${shownUrl(url)} broke off after ${grouped(done)} of ${grouped(wanted)} bytes.`,
    { hint: `Run the command again: it goes on from there. ${offlineHint}` },
  );
}
