import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RethinkError } from '../../../src/errors.js';
import {
  type RunningServer,
  type Served,
  type ServerOptions,
  startServer,
} from '../../../src/report/live/server.js';

const running: RunningServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

/** Something served that counts, and what changes it. */
function counter() {
  let count = 0;
  let changed = () => {};
  const asked: string[] = [];
  const served: Served = {
    get version() {
      return `v-${count}`;
    },
    since: (version) => JSON.stringify({ from: version, to: count }),
    async at(path) {
      asked.push(path);
      if (path === 'broken') throw new Error('it broke');
      const pages = new Map([
        ['', 'the page'],
        ['figures/one.svg', '<svg/>'],
      ]);
      const body = pages.get(path);
      return body === undefined
        ? undefined
        : { type: 'text/html', body, policy: "default-src 'none'" };
    },
    onChange(call) {
      changed = call;
      return () => {
        changed = () => {};
      };
    },
  };
  const move = () => {
    count++;
    changed();
  };
  return { served, asked, move };
}

async function start(options: Partial<ServerOptions> = {}) {
  const made = counter();
  const server = await startServer(made.served, { host: '127.0.0.1', port: 0, ...options });
  running.push(server);
  return { ...made, server, url: new URL(server.url) };
}

interface Asked {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
}

/** Asks for a path just as it is written. */
async function ask(
  { address, port, url }: RunningServer,
  { path, method = 'GET', headers }: Asked = {},
) {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address;
  const asking = request({
    host,
    port,
    method,
    path: path ?? new URL(url).pathname,
    ...(headers ? { headers } : {}),
  });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return { status: response.statusCode!, headers: response.headers, body: await text(response) };
}

/** A stream of events as a page has it. */
async function events(
  server: RunningServer,
  path = `${new URL(server.url).pathname}events`,
  headers = {},
) {
  const host = server.address === '0.0.0.0' ? '127.0.0.1' : server.address;
  const asking = request({ host, port: server.port, path, headers, agent: false });
  asking.on('error', () => {}).end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  let received = '';
  response.setEncoding('utf8').on('data', (data: string) => {
    received += data;
  });
  response.on('error', () => {});
  const until = (wanted: string) => vi.waitFor(() => expect(received).toContain(wanted), 10_000);
  return { response, until, received: () => received, leave: () => asking.destroy() };
}

describe('the server', () => {
  it('answers GET and HEAD, and refuses all else with a sentence', async () => {
    const { server, asked } = await start();
    expect(await ask(server)).toMatchObject({ status: 200, body: 'the page' });
    expect(await ask(server, { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '8' },
    });
    asked.length = 0;
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, headers, body } = await ask(server, { method });
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD']);
      expect(body).toMatch(/^\S.*\.\n$/);
    }
    expect(asked).toEqual([]);
  });

  it('says with each answer that it is nobody else to keep, to frame or to guess the kind of', async () => {
    const { server } = await start();
    for (const path of ['/', '/figures/one.svg', '/nothing']) {
      const { headers } = await ask(server, { path });
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('gives a path to what is served as it is written: nothing is decoded, resolved or opened', async () => {
    const { server, asked } = await start();
    const climbs = [
      '../../etc/passwd',
      'figures/../../etc/passwd',
      'figures/%2e%2e/%2e%2e/etc/passwd',
      'figures/..%2f..%2fetc%2fpasswd',
      'figures/%252e%252e%252fetc%252fpasswd',
      'figures/..%5c..%5cetc%5cpasswd',
      'figures/..\\..\\etc\\passwd',
      'figures/%c0%ae%c0%ae/etc/passwd',
      'figures/one.svg%00',
      'figures/one.svg/',
      'figures//one.svg',
      '/etc/passwd',
      'file:///etc/passwd',
      'constructor',
      '__proto__',
      'figures/%6fne.svg',
    ];
    for (const path of climbs) {
      expect([path, (await ask(server, { path: `/${path}` })).status]).toEqual([path, 404]);
      expect(asked.at(-1)).toBe(path);
    }
    // As a proxy is asked.
    expect((await ask(server, { path: 'http://127.0.0.1/figures/one.svg' })).status).toBe(404);
    expect((await ask(server, { path: '/figures/one.svg?x=../..' })).body).toBe('<svg/>');
  });

  it('answers to its own names and to addresses: a name given to it from elsewhere is refused', async () => {
    const { server } = await start();
    const status = async (host: string) => (await ask(server, { headers: { host } })).status;
    for (const host of [
      '127.0.0.1',
      'localhost:9000',
      'LOCALHOST',
      'localhost.',
      '[::1]:1611',
      '10.1.2.3',
    ]) {
      expect([host, await status(host)]).toEqual([host, 200]);
    }
    for (const host of [
      'evil.example',
      'evil.example:1611',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'evil@localhost',
      '[::1].evil',
    ]) {
      expect([host, await status(host)]).toEqual([host, 403]);
    }
  });

  it('answers others than this machine only where the path begins with the token', async () => {
    const { server, url, asked } = await start({ host: '0.0.0.0' });
    const token = url.pathname.slice(1, -1);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await ask(server)).body).toBe('the page');
    expect((await ask(server, { path: `/${token}/figures/one.svg` })).body).toBe('<svg/>');
    asked.length = 0;
    const wrong = [
      '/',
      '/events',
      '/figures/one.svg',
      `/${token.slice(1)}/`,
      `/${token}x/`,
      `//${token}/`,
      `/x/${token}/`,
      `/?token=${token}`,
    ];
    for (const path of wrong) {
      const { status, body } = await ask(server, { path });
      expect([path, status]).toEqual([path, 401]);
      expect(body).toMatch(/^\S.*\.\n$/);
      expect(body).not.toContain(token);
    }
    expect((await ask(server, { path: '/', method: 'POST' })).status).toBe(401);
    expect(asked).toEqual([]);
  });

  it('has another token each time, and none on loopback', async () => {
    const [one, two] = [await start({ host: '0.0.0.0' }), await start({ host: '0.0.0.0' })];
    expect(one.url.pathname).not.toBe(two.url.pathname);
    expect((await start({ host: 'localhost' })).url.pathname).toBe('/');
  });

  it('outlives an answer that fails, and says so', async () => {
    const told: string[] = [];
    const { server } = await start({ tell: (problem) => told.push(problem) });
    const { status, body } = await ask(server, { path: '/broken' });
    expect([status, told]).toEqual([500, ['it broke']]);
    expect(body).not.toContain('it broke');
    expect((await ask(server)).status).toBe(200);
  });

  it('outlives what is no HTTP at all', async () => {
    const { server } = await start();
    for (const noise of [
      '\0\0\0\0',
      'GET\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'CONNECT evil:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {}).end(noise);
      await once(socket.resume(), 'close');
    }
    expect((await ask(server)).status).toBe(200);
  });
});

describe('events', () => {
  it('tell any number of pages what has changed since what each of them has', async () => {
    const { server, move } = await start();
    const fresh = await events(server);
    expect(fresh.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await fresh.until('id: v-0\nevent: update\ndata: {"from":"","to":0}\n\n');
    const known = await events(server, '/events?since=v-0');
    await known.until('event: live\n');
    move();
    const update = 'id: v-1\nevent: update\ndata: {"from":"v-0","to":1}\n\n';
    await Promise.all([fresh.until(update), known.until(update)]);
    expect(known.received()).not.toContain('"from":""');
    // A page that comes again says what it had.
    move();
    const again = await events(server, '/events?since=v-0', { 'last-event-id': 'v-1' });
    await again.until('data: {"from":"v-1","to":2}\n\n');
  });

  it('take no version that could end a line', async () => {
    const { server } = await start();
    const { until } = await events(server, '/events?since=v%0Aevent:%20evil', {
      'last-event-id': 'a b',
    });
    await until('"from":""');
  });

  it('end with a last word, and at once', async () => {
    const { server } = await start();
    const { until, response } = await events(server);
    await until('event: live');
    const ended = once(response, 'end');
    await running.splice(0)[0]!.close();
    await ended;
    await until('event: ended\n');
    await expect(ask(server)).rejects.toThrow('ECONNREFUSED');
  });

  it('gather all changes into one for a page that is slow', async () => {
    const { server, served, move } = await start();
    const long = 'x'.repeat(4 << 20);
    const since = vi.spyOn(served, 'since').mockImplementation((from) => `"${from} ${long}"`);
    const slow = connect(server.port, '127.0.0.1');
    slow.on('error', () => {}).write('GET /events?since=v-0 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(slow, 'readable');
    for (let i = 0; i < 50; i++) {
      move();
      await new Promise((done) => setImmediate(done));
    }
    // What it has not taken is all that is kept for it.
    expect(since.mock.calls.length).toBeLessThan(5);
    let last = '';
    slow.on('data', (data) => {
      last = (last + String(data)).slice(-100);
    });
    await vi.waitFor(() => expect(since.mock.lastCall![0]).not.toBe('v-0'), 10_000);
    await vi.waitFor(() => expect(last).toMatch(/x"\n\n/), 10_000);
    expect(served.version).toBe('v-50');
    slow.destroy();
  });
});

describe('an address', () => {
  it('is the next free one where nobody named a port, and an error where somebody did', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const made = startServer(counter().served, { host: '127.0.0.1', port });
    await expect(made).rejects.toThrow(
      `Could not listen at 127.0.0.1, port ${port}: another program has it.`,
    );
    await expect(made).rejects.toBeInstanceOf(RethinkError);
    blocker.close();
    const [one, two] = [await start({ port: undefined }), await start({ port: undefined })];
    expect(two.server.port).toBeGreaterThan(one.server.port);
  });

  it('that is none of this machine, or of no machine, is told so', async () => {
    const serve = (host: string) => startServer(counter().served, { host, port: 0 });
    await expect(serve('203.0.113.7')).rejects.toThrow('it is no address of this machine');
    await expect(serve('no such host')).rejects.toThrow(
      'There is no machine called "no such host"',
    );
  });

  it('of this machine in its network has a token, too', async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .find((face) => face?.family === 'IPv4' && !face.internal);
    if (own === undefined) return;
    const { url } = await start({ host: own.address });
    expect(url.pathname.length).toBeGreaterThan(40);
  });
});
