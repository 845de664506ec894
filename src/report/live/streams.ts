import type { ServerResponse } from 'node:http';

/** What changes, and can say how. */
export interface Source {
  /** Of what it has now; another text for each change, and of each process. */
  readonly version: string;
  /** JSON of all that has changed since a version: of everything, where that isn't known. */
  since(version: string): string;
}

/** Milliseconds between two signs of life: proxies end a connection that says nothing for a minute. */
const ALIVE_MS = 15_000;
/** Milliseconds after which somebody who takes nothing is given up. */
const PATIENCE_MS = 60_000;
/** Milliseconds after which a browser tries again. */
const RETRY_MS = 2000;

const MOST_STREAMS = 256;

interface Stream {
  response: ServerResponse;
  version: string;
  /** Since when it has not taken what was written, of the monotonic clock; `null`: it has. */
  behind: number | null;
}

/**
 * Server-sent events to any number of pages. None has a queue: one that is slow gets, once it has taken the last update, all
 * changes since then as one.
 */
export class EventStreams {
  private readonly streams = new Set<Stream>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly source: Source) {
    this.timer = setInterval(() => this.sayAlive(), ALIVE_MS).unref();
  }

  get isFull(): boolean {
    return this.streams.size >= MOST_STREAMS;
  }

  /**
   * Takes a response on; its headers are written.
   *
   * @param version What the page has already.
   */
  add(response: ServerResponse, version: string): void {
    const stream: Stream = { response, version, behind: null };
    this.streams.add(stream);
    const gone = () => this.streams.delete(stream);
    response.on('close', gone).on('error', gone);
    response.on('drain', () => {
      stream.behind = null;
      this.update(stream);
    });
    // The version, so that a page that was up to date says so when it comes again.
    this.write(stream, `retry: ${RETRY_MS}\nid: ${stream.version}\nevent: live\ndata:\n\n`);
    this.update(stream);
  }

  /** Tells all pages what has changed. */
  changed(): void {
    for (const stream of this.streams) this.update(stream);
  }

  /** Tells all pages that no more will come. */
  close(): void {
    clearInterval(this.timer);
    for (const { response } of this.streams) response.end('event: ended\ndata:\n\n');
    this.streams.clear();
  }

  private update(stream: Stream): void {
    const { version } = this.source;
    if (stream.behind !== null || stream.version === version) return;
    const data = this.source.since(stream.version);
    stream.version = version;
    this.write(stream, `id: ${version}\nevent: update\ndata: ${data}\n\n`);
  }

  private write(stream: Stream, text: string): void {
    if (!stream.response.write(text)) stream.behind ??= performance.now();
  }

  private sayAlive(): void {
    for (const stream of this.streams) {
      if (stream.behind === null) this.write(stream, ':\n\n');
      else if (performance.now() - stream.behind > PATIENCE_MS) stream.response.destroy();
    }
  }
}
