import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchDataset } from '../../src/data/published/fetch.js';
import { CERTIFICATE_VARIABLES } from '../../src/net/certificates.js';
import { proxyFor } from '../../src/net/proxy.js';
import { type Network, request } from '../../src/net/request.js';
import { failure, smallIdx, write } from '../data/helpers.js';
import { proxy, serve, untrustedIdentity } from '../helpers/server.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];

beforeEach(() => {
  for (const name of PROXY_VARIABLES) {
    vi.stubEnv(name, '');
    vi.stubEnv(name.toUpperCase(), '');
  }
  return () => vi.unstubAllEnvs();
});

const get = async (url: string, network?: Network) => {
  const response = await request(url, { network, offlineHint: 'Do without.' });
  return response.text();
};

describe('a request', () => {
  it('sends the name and password of a URL as a header, and to no other server', async () => {
    const seen: (string | undefined)[] = [];
    const second = await serve(({ headers }, response) => {
      seen.push(headers.authorization);
      response.end('here');
    });
    const first = await serve(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(302, { location: second.origin }).end();
    });
    const url = first.origin.replace('//', '//me:p%40ss@');
    expect(await get(url)).toBe('here');
    expect(seen).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`, undefined]);
  });

  it('never shows them', async () => {
    const { origin, server } = await serve((_, response) => response.end());
    server.close();
    const error = await failure(() =>
      get(`${origin.replace('//', '//me:secret@')}/x?token=secret`),
    );
    expect(error.message).toBe(
      `Cannot reach ${new URL(origin).host} for ${origin}/x: ECONNREFUSED.`,
    );
    expect(error.hint).toBe('Do without.');
  });

  it.each([
    ['http', 'http_proxy', /^GET http:\/\/127/],
    ['http', 'HTTP_PROXY', /^GET http:\/\/127/],
    ['http', 'all_proxy', /^GET http:\/\/127/],
    ['https', 'https_proxy', /^CONNECT 127/],
    ['https', 'HTTPS_PROXY', /^CONNECT 127/],
  ])('of an %s URL goes through the proxy of %s', async (scheme, variable, asked) => {
    const tls = scheme === 'https' ? await untrustedIdentity() : undefined;
    const { origin } = await serve((_, response) => response.end('here'), tls);
    const through = await proxy();
    const network: Network =
      (tls && {
        certificates: [write(join(temporaryFolder(), 'own.pem'), tls.cert)],
      }) ||
      {};
    vi.stubEnv(variable, through.origin.replace('//', '//me:secret@'));
    expect(await get(`${origin}/file`, network)).toBe('here');
    expect(through.asked).toEqual([expect.stringMatching(asked)]);
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(through.authorizations).toEqual([authorization]);
    vi.stubEnv('no_proxy', '127.0.0.0/8');
    expect(await get(`${origin}/file`, network)).toBe('here');
    expect(through.asked).toHaveLength(1);
  });

  it.each([
    ['https', 503, 'the proxy answered 503'],
    ['https', 407, 'the proxy asks for a name and a password (407)'],
    ['http', 407, 'the proxy asks for a name and a password (407)'],
  ])('for %s says that the proxy refused with %i', async (scheme, status, why) => {
    const { origin } = await proxy(status);
    const network = { proxy: origin.replace('//', '//me:secret@') };
    const error = await failure(() => get(`${scheme}://data.example/set`, network));
    expect(error.message).toBe(
      `Cannot reach data.example for ${scheme}://data.example/set through the proxy ${origin}/: ${why}.`,
    );
    expect(error.hint).not.toContain('secret');
  });

  it('says that a proxy is none', async () => {
    for (const url of ['socks5://me:secret@proxy.example:1080', 'http://me:secret@:99999999']) {
      vi.stubEnv('https_proxy', url);
      const error = await failure(() => get('https://data.example/set'));
      expect(error.kind).toBe('usage');
      expect(error.message).toMatch(/^The proxy .* can't be used\.$/);
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('a server whose certificate was made by its owner', () => {
  const start = async () => {
    const identity = await untrustedIdentity();
    const { origin } = await serve((_, response) => response.end('here'), identity);
    const folder = temporaryFolder();
    const file = join(folder, '0a1b2c3d.0');
    // Bundles hold comments, and what no library can parse.
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    writeFileSync(file, `# ours\n${broken}${identity.cert}`);
    for (const name of CERTIFICATE_VARIABLES) vi.stubEnv(name, '/nowhere');
    return { origin, folder, file };
  };

  it('is refused in a sentence', async () => {
    const { origin } = await start();
    const error = await failure(() => get(origin, {}));
    expect(error.message).toMatch(/its certificate is signed by nobody who is trusted here/);
    expect(error.hint).toMatch(/SSL_CERT_FILE .*PIP_CERT.* Do without\./);
  });

  it.each(CERTIFICATE_VARIABLES)('is trusted where %s names that', async (variable) => {
    const { origin, folder, file } = await start();
    vi.stubEnv(variable, variable === 'SSL_CERT_DIR' ? `/nowhere:${folder}` : file);
    expect(await get(origin, {})).toBe('here');
  });

  it('is trusted where a setting names it, or its host', async () => {
    const { origin, file } = await start();
    expect(await get(origin, { certificates: [file] })).toBe('here');
    expect(await get(origin, { trustedHosts: ['127.0.0.1'] })).toBe('here');
    const error = await failure(() => get(origin, { trustedHosts: ['other.example'] }));
    expect(error.kind).toBe('failed');
  });
});

describe('which proxy', () => {
  const choose = (url: string, env: NodeJS.ProcessEnv) =>
    proxyFor(new URL(url), undefined, env)?.href;
  const env = { https_proxy: 'p.example:3128' };

  it('is that of the scheme alone', () => {
    expect(choose('https://a.example', env)).toBe('http://p.example:3128/');
    expect(choose('http://a.example', env)).toBeUndefined();
    expect(choose('https://a.example', { http_proxy: 'p.example' })).toBeUndefined();
    expect(choose('https://a.example', { ...env, all_proxy: 'q.example' })).toContain('p.example');
  });

  it.each([
    ['a.example', 'https://a.example', true],
    ['A.Example', 'https://a.example', true],
    ['example', 'https://a.example', true],
    ['.example', 'https://a.example', true],
    ['*.example', 'https://a.example', true],
    ['b.example, a.example', 'https://a.example', true],
    ['*', 'https://a.example', true],
    ['a.example:443', 'https://a.example', true],
    ['a.example:444', 'https://a.example', false],
    ['ample', 'https://a.example', false],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['fd00::/8', 'https://[fd00::1]', true],
    ['::1', 'https://[::1]:8443', true],
    ['[::1]:8443', 'https://[::1]:8443', true],
  ])('is none for %s at %s: %s', (no_proxy, url, exempt) => {
    expect(choose(url, { ...env, no_proxy }) === undefined).toBe(exempt);
  });
});

it('a data set is fetched through the proxy, and says so where that fails', async () => {
  const through = await proxy(503);
  vi.stubEnv('https_proxy', through.origin);
  const error = await failure(() =>
    fetchDataset('mnist', {
      baseUrl: 'https://data.example/',
      dataDir: temporaryFolder(),
      spec: smallIdx('mnist', 1, 1),
    }),
  );
  expect(through.asked).toEqual(['CONNECT data.example:443']);
  expect(error.message).toMatch(/^Cannot reach data\.example .* through the proxy .* answered 503/);
});
