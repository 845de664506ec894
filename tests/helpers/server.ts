import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { generate } from 'selfsigned';
import { afterEach } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const running: { server: Server; sockets: Set<Duplex> }[] = [];

afterEach(() => {
  for (const { server, sockets } of running.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** A server on this machine for the length of a test; `origin` is `http://127.0.0.1:PORT`. */
export async function serve(
  handler: Handler,
  tls?: { key: string; cert: string },
): Promise<{ origin: string; server: Server }> {
  const server = tls === undefined ? createServer(handler) : createTlsServer(tls, handler);
  const sockets = new Set<Duplex>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  running.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, server };
}

/** Answers with these bytes, or with a part of them where one is asked for, as a file server does. */
export function answer(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const [range, first = '', last = ''] =
    /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (range === undefined) {
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(bytes);
    return;
  }
  const from = Number(first);
  const part = bytes.subarray(from, last === '' ? bytes.length : Number(last) + 1);
  response.writeHead(206, {
    'content-range': `bytes ${from}-${from + part.length - 1}/${bytes.length}`,
    'content-length': part.length,
  });
  response.end(part);
}

/** A proxy that notes what it is asked for and passes it on, or refuses all with a status. */
export async function proxy(
  refusal?: number,
): Promise<{ origin: string; asked: string[]; authorizations: (string | undefined)[] }> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const note = ({ method, url, headers }: IncomingMessage) => {
    asked.push(`${method} ${url}`);
    authorizations.push(headers['proxy-authorization']);
  };
  const { origin, server } = await serve((incoming, response) => {
    note(incoming);
    if (refusal !== undefined) {
      response.writeHead(refusal).end();
      return;
    }
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    request(incoming.url!, { method: incoming.method, headers }, (got) => {
      response.writeHead(got.statusCode!, got.headers);
      got.pipe(response);
    }).end();
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex) => {
    note(incoming);
    if (refusal !== undefined) {
      client.end(`HTTP/1.1 ${refusal} no\r\n\r\n`);
      return;
    }
    const [host, port] = incoming.url!.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  });
  return { origin, asked, authorizations };
}

let identity: ReturnType<typeof selfMade> | undefined;

/** A key and a certificate for 127.0.0.1 that nobody trusts; the same for all tests of a file. */
export function untrustedIdentity(): Promise<{ key: string; cert: string }> {
  identity ??= selfMade();
  return identity;
}

async function selfMade() {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { key, cert };
}
