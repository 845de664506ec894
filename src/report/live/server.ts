import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { errorCode } from '../../disk/errors.js';
import { messageOf, RethinkError } from '../../errors.js';
import { hostName } from '../../machine/host.js';
import { Access } from './access.js';
import { EventStreams, type Source } from './streams.js';

/** What is served. A name is all that comes from outside, and it is compared with those that are known. */
export interface Served extends Source {
  /** What lies at a path, such as `figures/curves.svg`, or the page at an empty one; `undefined` where nothing does. */
  at(path: string): Promise<Answer | undefined>;
  /** Calls back after each change; gives back what ends that. */
  onChange(changed: () => void): () => void;
}

export interface Answer {
  /** MIME type. */
  type: string;
  body: string | Buffer;
  /** Content-Security-Policy. */
  policy: string;
}

export interface ServerOptions {
  host: string;
  /** 0: any; `undefined`: {@link DEFAULT_PORT}, or the first free one after it. */
  port?: number | undefined;
  /** Hears a sentence about an answer that failed. */
  tell?(problem: string): void;
}

export interface RunningServer {
  /** With the token, where there is one. */
  url: string;
  address: string;
  port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Of arXiv:1611.03530. */
export const DEFAULT_PORT = 1611;
const PORTS_TRIED = 100;

/** Of what is no page: whatever a browser takes it for, it loads and runs nothing. */
export const PLAIN_POLICY = "default-src 'none'; frame-ancestors 'none'";

const HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/**
 * Serves a live page over HTTP: GET and HEAD alone, and nothing but what `served` knows.
 *
 * @throws RethinkError (`usage`) where the host is none of this machine, or the port can't be had.
 */
export async function startServer(served: Served, options: ServerOptions): Promise<RunningServer> {
  const { host } = options;
  const address = await addressOf(host);
  const access = new Access(host, address);
  const streams = new EventStreams(served);
  const server = createServer((request, response) => {
    respond({ served, access, streams, request, response }).catch((error: unknown) => {
      options.tell?.(messageOf(error));
      if (response.headersSent) response.destroy();
      else say(response, 500, 'The page could not be made; rethink-gen serve says why.');
    });
  });
  // Such as no more files to open: the next connection may find some.
  server.on('error', (error) => options.tell?.(messageOf(error)));
  const port = await listen(server, address, options);
  const forget = served.onChange(() => streams.changed());
  return {
    url: `http://${nameIn(host, address)}:${port}${access.base}`,
    address,
    port,
    close: async () => {
      forget();
      streams.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      // A page that takes the last word takes it at once.
      const late = setTimeout(() => server.closeAllConnections(), 200);
      await closed;
      clearTimeout(late);
    },
  };
}

async function addressOf(host: string): Promise<string> {
  const unknown = (cause?: unknown) =>
    new RethinkError('usage', `There is no machine called ${JSON.stringify(host)}.`, {
      hint: '--host takes an address of this machine: 127.0.0.1 for this machine alone, 0.0.0.0 for all that reach it.',
      cause,
    });
  if (host.trim() === '') throw unknown();
  const { address } = await lookup(host).catch((error: unknown) => {
    throw unknown(error);
  });
  return address;
}

/** All addresses of a machine are none that a browser can open. */
function nameIn(host: string, address: string): string {
  if (['0.0.0.0', '::'].includes(address)) return hostName();
  return isIPv6(host) ? `[${host}]` : host;
}

async function listen(
  server: Server,
  address: string,
  { host, port }: ServerOptions,
): Promise<number> {
  for (let wanted = port ?? DEFAULT_PORT; ; wanted++) {
    try {
      await new Promise<void>((done, failed) => {
        server.once('error', failed);
        server.listen(wanted, address, () => {
          server.off('error', failed);
          done();
        });
      });
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const taken = errorCode(error) === 'EADDRINUSE';
      if (!taken || port !== undefined || wanted - DEFAULT_PORT >= PORTS_TRIED) {
        throw listenError(error, host, wanted);
      }
    }
  }
}

const REASONS: Record<string, [reason: string, hint: string]> = {
  EADDRINUSE: ['another program has it', 'Name another port, or 0 for any: --port 0.'],
  EACCES: ['permission denied', 'Ports below 1024 are for the system: name another one, or none.'],
  EADDRNOTAVAIL: [
    'it is no address of this machine',
    '--host takes one of its addresses or names: 127.0.0.1 for this machine alone, 0.0.0.0 for all that reach it.',
  ],
};

function listenError(error: unknown, host: string, port: number): RethinkError {
  const [reason, hint] = REASONS[errorCode(error)] ?? [messageOf(error)];
  return new RethinkError('usage', `Could not listen at ${host}, port ${port}: ${reason}.`, {
    hint,
    cause: error,
  });
}

interface Exchange {
  served: Served;
  access: Access;
  streams: EventStreams;
  request: IncomingMessage;
  response: ServerResponse;
}

async function respond({ served, access, streams, request, response }: Exchange): Promise<void> {
  const path = access.pathOf(request);
  if (typeof path !== 'string') {
    say(response, path.status, path.sentence);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    say(response, 405, 'Nothing can be changed here: GET and HEAD alone are answered.');
    return;
  }
  if (path === 'events') {
    stream(streams, request, response);
    return;
  }
  const answer = await served.at(path);
  if (answer === undefined) {
    say(response, 404, 'There is nothing of this name.');
    return;
  }
  const { type, body, policy } = answer;
  send(response, 200, body, { 'content-type': type, 'content-security-policy': policy });
}

function stream(streams: EventStreams, request: IncomingMessage, response: ServerResponse): void {
  if (streams.isFull) {
    say(response, 503, 'Too many pages are open.');
    return;
  }
  response.writeHead(200, {
    ...HEADERS,
    'content-type': 'text/event-stream; charset=utf-8',
    'content-security-policy': PLAIN_POLICY,
    // A proxy that gathers would make the page stutter.
    'x-accel-buffering': 'no',
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const [, asked] = /[?&]since=([\w:.-]{1,60})(?:&|$)/.exec(request.url ?? '') ?? [];
  const [last] = /^[\w:.-]{1,60}$/.exec(String(request.headers['last-event-id'] ?? '')) ?? [];
  streams.add(response, last ?? asked ?? '');
}

function say(response: ServerResponse, status: number, sentence: string): void {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': PLAIN_POLICY,
  };
  // A browser would ask for a name and a password for any scheme that it knows.
  if (status === 401) response.setHeader('www-authenticate', 'Token');
  send(response, status, `${sentence}\n`, headers);
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Record<string, string>,
): void {
  const bytes = Buffer.from(body as string);
  response.writeHead(status, { ...HEADERS, ...headers, 'content-length': bytes.length });
  response.end(bytes);
}
