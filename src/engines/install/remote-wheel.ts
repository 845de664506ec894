import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import yauzl, { type Entry } from 'yauzl';
import { RethinkError } from '../../errors.js';
import { type DownloadOptions, download, NoRanges, type Range } from '../../net/download.js';
import { shownUrl } from '../../net/url.js';
import type { OnProgress } from '../../progress.js';
import type { FoundWheel } from './package-index.js';
import {
  entriesOf,
  isRecord,
  type OpenWheel,
  openWheelFile,
  type SelectFile,
  unreadable,
} from './wheel.js';

export interface RemoteOptions extends Pick<DownloadOptions, 'network' | 'offlineHint' | 'signal'> {
  select: SelectFile;
  /** Folder for what was fetched, which a later attempt goes on with. */
  into: string;
  onProgress?: OnProgress | undefined;
}

/** The end of a zip says where its list of entries begins; it may be followed by a comment of 64 KiB. */
const END_BYTES = 128 * 1024;
const END_SIGNATURE = 0x06054b50;
/** Less than a request costs. */
const SMALL_GAP = 256 * 1024;

/** Bytes of a wheel on this machine, in a file of their own. */
interface Part extends Range {
  file: string;
}

/**
 * Opens a wheel at a server, having fetched of it the list of its entries and those that are wanted; the whole, where the
 * server has no parts to give. What is fetched is checked when it is extracted.
 *
 * @throws RethinkError as `download`; `data` where it is no wheel.
 */
export async function openRemoteWheel(
  { wheel, url }: FoundWheel,
  options: RemoteOptions,
): Promise<OpenWheel> {
  const { into, signal, onProgress } = options;
  await mkdir(into, { recursive: true });
  const progress = { done: 0, total: 0 };
  const fetchPart = async (range: Range): Promise<Part> => {
    const file = join(into, `${range.start}-${range.end}`);
    await download(url, file, {
      bytes: wheel.bytes,
      range,
      owner: 'engine',
      network: options.network,
      offlineHint: options.offlineHint,
      answerHint: 'Try again later, or another index (PIP_INDEX_URL).',
      signal,
      onBytes: (bytes) =>
        onProgress?.({
          what: `downloading ${wheel.file}`,
          done: progress.done + bytes,
          total: progress.total,
          unit: 'bytes',
        }),
    });
    progress.done += range.end - range.start;
    return { ...range, file };
  };
  try {
    const { parts, start } = await directoryParts(wheel.bytes, fetchPart);
    const tail = Buffer.concat(await Promise.all(parts.map(({ file }) => readFile(file))));
    const reader = new PartsReader(parts, tail, parts[0]!.start);
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, wheel.bytes, {
      autoClose: false,
    });
    const entries = await entriesOf(zip);
    const ranges = wantedRanges(entries, options.select, start);
    progress.total = progress.done + ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    for (const range of ranges) parts.push(await fetchPart(range));
    return { wheel, where: shownUrl(url), zip, entries };
  } catch (error) {
    if (error instanceof NoRanges) {
      await rm(into, { recursive: true, force: true });
      await mkdir(into, { recursive: true });
      progress.done = 0;
      progress.total = wheel.bytes;
      const whole = await fetchPart({ start: 0, end: wheel.bytes });
      return await openWheelFile(whole.file, wheel, signal);
    }
    throw error instanceof RethinkError ? error : unreadable(shownUrl(url), error);
  }
}

/** The parts that hold a zip from its list of entries to its end, in order, and where that list begins. */
async function directoryParts(
  bytes: number,
  fetchPart: (range: Range) => Promise<Part>,
): Promise<{ parts: Part[]; start: number }> {
  const end = await fetchPart({ start: Math.max(0, bytes - END_BYTES), end: bytes });
  const tail = await readFile(end.file);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    const start = tail.readUInt32LE(at + 16);
    if (start >= end.start) return { parts: [end], start };
    return { parts: [await fetchPart({ start, end: end.start }), end], start };
  }
  throw new Error('it is no zip archive');
}

/** Where the wanted entries lie, each up to the next one's beginning, neighbors together. */
function wantedRanges(entries: Entry[], select: SelectFile, directory: number): Range[] {
  const starts = [...entries.map((entry) => entry.relativeOffsetOfLocalHeader), directory].sort(
    (a, b) => a - b,
  );
  const ranges: Range[] = [];
  const wanted = entries
    .filter(({ fileName }) => isRecord(fileName) || select(fileName) !== undefined)
    .map((entry) => entry.relativeOffsetOfLocalHeader)
    .sort((a, b) => a - b);
  for (const start of wanted) {
    const end = starts.find((other) => other > start) ?? directory;
    const last = ranges.at(-1);
    if (last !== undefined && start - last.end < SMALL_GAP) last.end = Math.max(last.end, end);
    else ranges.push({ start, end });
  }
  return ranges.map(({ start, end }) => ({ start, end: Math.min(end, directory) }));
}

/** A zip of which only some parts are here. Its end is held in memory, too: the list there is read in thousands of pieces. */
class PartsReader extends yauzl.RandomAccessReader {
  constructor(
    private readonly parts: readonly Part[],
    private readonly tail: Buffer,
    private readonly tailStart: number,
  ) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const part = this.parts.find((known) => known.start <= start && end <= known.end);
    if (part === undefined) {
      // Thrown here it would end the process.
      const error = new Error('an entry of it lies where none should');
      return new Readable({ read: (): void => {} }).destroy(error);
    }
    return createReadStream(part.file, {
      start: start - part.start,
      end: end - part.start - 1,
    });
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    const at = position - this.tailStart;
    if (at < 0) {
      super.read(buffer, offset, length, position, callback);
      return;
    }
    this.tail.copy(buffer, offset, at, at + length);
    setImmediate(callback, null);
  }
}
