import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { installTensorflow } from '../../src/engines/tensorflow/install.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import type { Preparing } from '../../src/progress.js';
import { failure } from '../data/helpers.js';
import { type FakeMachine, fakeMachine, WHEEL } from '../helpers/fake-machine.js';
import { answer, proxy, serve, untrustedIdentity } from '../helpers/server.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const PROJECT = WHEEL.split('-')[0]!.replaceAll('_', '-');

interface IndexOptions {
  html?: boolean;
  tls?: { key: string; cert: string };
  /** What the index says of the wheel; default: the truth. */
  sha256?: string;
  /** Answers for the wheel's file, in place of a file server; `false` leaves it to that. */
  file?(request: IncomingMessage, response: ServerResponse): boolean;
}

/** A package index at `/simple` that has the machine's wheel, and pip set up for it. */
async function packageIndex(machine: FakeMachine, options: IndexOptions = {}) {
  const asked: string[] = [];
  const authorizations = new Set<string | undefined>();
  let sent = 0;
  const { origin, server } = await serve((request, response) => {
    const { url = '', headers } = request;
    asked.push(`${url}${headers.range === undefined ? '' : ` ${headers.range}`}`);
    authorizations.add(headers.authorization);
    if (url === `/simple/${PROJECT}/`) {
      const sha256 = options.sha256 ?? machine.pinned.sha256;
      const other = WHEEL.replace('.whl', '.tar.gz');
      if (options.html) {
        response.setHeader('content-type', 'text/html');
        response.end(`<!doctype html><html><body><a href="${other}">${other}</a><br/>
<a class='x' href="../../files/${WHEEL}?a=1&amp;b=2#sha256=${sha256}"
  data-requires-python="&gt;=3.9">${WHEEL}</a></body></html>`);
      } else {
        response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
        const files = [
          { filename: other, url: other, hashes: {} },
          { filename: WHEEL, url: `../../files/${WHEEL}?a=1&b=2`, hashes: { sha256 } },
        ];
        response.end(JSON.stringify({ meta: { 'api-version': '1.0' }, name: PROJECT, files }));
      }
    } else if (url === `/files/${WHEEL}?a=1&b=2`) {
      const write = response.write.bind(response);
      const end = response.end.bind(response);
      const count = (chunk: unknown) => {
        if (chunk instanceof Buffer) sent += chunk.length;
      };
      response.write = ((chunk: Buffer, ...rest: []) => {
        count(chunk);
        return write(chunk, ...rest);
      }) as typeof response.write;
      response.end = ((chunk: Buffer, ...rest: []) => {
        count(chunk);
        return end(chunk, ...rest);
      }) as typeof response.end;
      if (!options.file?.(request, response)) answer(request, response, machine.wheel);
    } else {
      response.writeHead(404).end();
    }
  }, options.tls);
  vi.stubEnv('PIP_INDEX_URL', `${origin}/simple`);
  return { origin, server, asked, authorizations, sent: () => sent };
}

/** An address where nobody answers. */
async function unreachable(): Promise<string> {
  const { origin, server } = await serve(() => {});
  server.close();
  return origin;
}

async function install() {
  const notes: string[] = [];
  const progress: Preparing[] = [];
  const installation = await installTensorflow(
    { variant: 'cpu' },
    { note: (message) => notes.push(message), onProgress: (event) => progress.push(event) },
  );
  expect(readFileSync(join(installation.dir, 'libtensorflow_cc.so.2'), 'utf8')).toBe('the library');
  expect(installation.files).toHaveLength(5);
  return { installation, notes, progress };
}

/** No installation, and nothing temporary. */
const expectNothing = (machine: FakeMachine) =>
  expect(existsSync(machine.engines) ? machine.listing() : []).toEqual([]);

const downloads = (machine: FakeMachine) =>
  join(machine.engines, '..', 'downloads', 'tensorflow-2.21.0-cpu');

describe.skipIf(platformProblem() !== undefined)('an engine from the package index', () => {
  it.each([
    ['JSON', false],
    ['HTML', true],
  ])('is found in %s, and only its parts are fetched', async (_, html) => {
    const machine = fakeMachine();
    const index = await packageIndex(machine, { html });
    const { installation, notes, progress } = await install();
    expect(installation.wheels).toEqual([{ file: WHEEL, sha256: machine.pinned.sha256 }]);
    expect(notes[0]).toContain(`from ${new URL(index.origin).host};`);
    expect(index.sent()).toBeLessThan(300_000);
    expect(machine.wheel.length).toBeGreaterThan(700_000);
    const last = progress.findLast(({ what }) => what === `downloading ${WHEEL}`)!;
    expect(last).toMatchObject({ done: index.sent(), total: index.sent(), unit: 'bytes' });
    expect(machine.listing()).toEqual(['tensorflow-2.21.0-cpu']);
    expect(existsSync(downloads(machine))).toBe(false);
  });

  it('is fetched as a whole where the server has no parts to give', async () => {
    const machine = fakeMachine();
    const index = await packageIndex(machine, {
      file: (_, response) => {
        response.writeHead(200, { 'content-length': machine.wheel.length });
        response.end(machine.wheel);
        return true;
      },
    });
    await install();
    expect(index.asked.at(-1)).toBe(`/files/${WHEEL}?a=1&b=2`);
  });

  it('goes on where the connection breaks', async () => {
    const machine = fakeMachine();
    let broken = 0;
    const index = await packageIndex(machine, {
      file: (request, response) => {
        const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
        if (first === undefined || Number(last) - Number(first) < 50_000 || broken++ > 1)
          return false;
        const part = machine.wheel.subarray(Number(first), Number(last) + 1);
        response.writeHead(206, {
          'content-range': `bytes ${first}-${last}/${machine.wheel.length}`,
          'content-length': part.length,
        });
        response.write(part.subarray(0, 20_000), () => setTimeout(() => response.destroy(), 20));
        return true;
      },
    });
    await install();
    expect(broken).toBeGreaterThan(2);
    expect(index.sent()).toBeLessThan(300_000);
  });

  it('goes on where an attempt was interrupted', async () => {
    const machine = fakeMachine();
    const controller = new AbortController();
    let hanging = true;
    const index = await packageIndex(machine, {
      file: (request, response) => {
        if (!hanging || !/^bytes=\d+-\d+$/.test(request.headers.range ?? '')) return false;
        response.writeHead(206, {
          'content-range': `${request.headers.range!.replace('=', ' ')}/${machine.wheel.length}`,
        });
        const first = Number(/\d+/.exec(request.headers.range!));
        response.write(machine.wheel.subarray(first, first + 10));
        setTimeout(() => controller.abort(), 50);
        return true;
      },
    });
    const interrupted = installTensorflow({ variant: 'cpu' }, { signal: controller.signal });
    await expect(interrupted).rejects.toMatchObject({ kind: 'interrupted', exitCode: 130 });
    expectNothing(machine);
    expect(readdirSync(join(downloads(machine), WHEEL))).not.toEqual([]);
    hanging = false;
    const before = index.asked.length;
    await install();
    // The end of the wheel is there; of the part that was begun, 10 bytes are.
    expect(index.asked.slice(before + 1).every((asked) => /bytes=\d+-\d+$/.test(asked))).toBe(true);
  });

  it('refuses a wheel of which a file, or the list of digests, was altered', async () => {
    for (const altered of ['the library', 'sha256=']) {
      const machine = fakeMachine();
      machine.wheel[machine.wheel.lastIndexOf(altered)]! ^= 1;
      await packageIndex(machine);
      const error = await failure(install);
      expect(error.kind).toBe('data');
      expect(error.message).toMatch(/is damaged: .* (is not what RECORD says|should have)/);
      expectNothing(machine);
      expect(existsSync(downloads(machine))).toBe(false);
    }
  });

  it('refuses another wheel of that name, before it is fetched', async () => {
    const machine = fakeMachine();
    const index = await packageIndex(machine, { sha256: '0'.repeat(64) });
    const error = await failure(install);
    expect(error.message).toMatch(/has another .* SHA-256 is 0{64}, and should be/);
    expect(index.sent()).toBe(0);
    expectNothing(machine);
  });

  it('refuses a wheel of another size', async () => {
    const machine = fakeMachine();
    machine.pinned.bytes += 1;
    await packageIndex(machine);
    expect((await failure(install)).message).toMatch(/ has [\d,]+ bytes, and [\d,]+ are expected/);
  });

  it('asks with the name and password of the index, and prints neither', async () => {
    const machine = fakeMachine();
    const { origin, authorizations, server } = await packageIndex(machine);
    vi.stubEnv('PIP_INDEX_URL', `${origin.replace('//', '//me:secret@')}/simple/`);
    const { notes } = await install();
    const expected = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect([...authorizations]).toEqual([expected]);
    expect(notes.join()).not.toContain('secret');
    server.close();
    const error = await failure(() => installTensorflow({ variant: 'cpu', force: true }, {}));
    expect(`${error.message} ${error.hint}`).not.toContain('secret');
  });

  it('takes the next index where one has no such project or is out of reach', async () => {
    const machine = fakeMachine();
    const { origin } = await packageIndex(machine);
    const { origin: empty } = await serve((_, response) => response.writeHead(404).end());
    for (const first of [empty, await unreachable()]) {
      vi.stubEnv('PIP_INDEX_URL', first);
      vi.stubEnv('PIP_EXTRA_INDEX_URL', `${empty} ${origin}/simple`);
      await installTensorflow({ variant: 'cpu', force: true }, {});
    }
  });

  it('is taken from a folder of pip’s, without an index', async () => {
    const machine = fakeMachine();
    vi.stubEnv('PIP_NO_INDEX', '1');
    vi.stubEnv('PIP_FIND_LINKS', `/nowhere ${machine.wheels}`);
    await install();
  });

  it('is fetched through the proxy and with the certificate that pip’s file names', async () => {
    const machine = fakeMachine();
    const tls = await untrustedIdentity();
    const { origin, asked } = await packageIndex(machine, { tls });
    vi.stubEnv('PIP_INDEX_URL', '');
    const through = await proxy();
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ca.pem'), tls.cert);
    writeFileSync(
      join(folder, 'pip.conf'),
      `# ours\n[global]\nindex-url = ${origin}/simple\ncert: ${folder}/ca.pem\n[download]\nproxy = ${through.origin}\n`,
    );
    vi.stubEnv('PIP_CONFIG_FILE', join(folder, 'pip.conf'));
    await install();
    expect(asked[0]).toBe(`/simple/${PROJECT}/`);
    expect(new Set(through.asked)).toEqual(new Set([`CONNECT ${new URL(origin).host}`]));
  });

  it.each<[string, (origin: string) => string, RegExp, RegExp]>([
    [
      'is out of reach',
      () => 'https://index.invalid/simple',
      /couldn't be fetched: cannot reach index\.invalid for https:\/\/index\.invalid\/simple\/tensorflow\S*: E[A-Z_]+\.$/,
      /index and proxy.*--from DIR/,
    ],
    [
      'has no such project',
      (origin) => origin,
      /couldn't be fetched: there is none at 127\.0\.0\.1:\d+\.$/,
      /--from DIR/,
    ],
    ['wants a password', (origin) => `${origin}/closed`, /answered 401/, /name and a password/],
    [
      'answers with rubbish',
      (origin) => `${origin}/rubbish`,
      /is damaged: it is not valid JSON/,
      /^$/,
    ],
    [
      'is no address',
      () => 'my-index',
      /^The package index my-index is no web address/,
      /PIP_INDEX_URL/,
    ],
  ])('says in a sentence that the index %s', async (_, address, message, hint) => {
    const machine = fakeMachine();
    const { origin } = await serve(({ url }, response) => {
      if (url!.startsWith('/closed')) response.writeHead(401);
      else if (url!.startsWith('/rubbish'))
        response.writeHead(200, { 'content-type': 'application/json' });
      else response.writeHead(404);
      response.end('{');
    });
    vi.stubEnv('PIP_INDEX_URL', address(origin));
    const error = await failure(install);
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').toMatch(hint);
    expectNothing(machine);
  });

  it('says that pip is set up with no index', async () => {
    fakeMachine();
    vi.stubEnv('PIP_NO_INDEX', 'true');
    expect((await failure(install)).message).toMatch(/no index/);
  });

  it('starts no python3, and no pip.py of the folder it is in', async () => {
    const machine = fakeMachine();
    mkdirSync(machine.engines, { recursive: true });
    const trace = join(machine.engines, '..', 'started');
    for (const name of ['python3', 'python', 'pip', 'pip3']) {
      machine.program(name, `#!/bin/sh\ntouch "${trace}"; exit 1`);
    }
    await packageIndex(machine);
    await install();
    expect(existsSync(trace)).toBe(false);
  });
});
