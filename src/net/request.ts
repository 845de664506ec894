import type { Response } from 'undici';
import { errorCode } from '../disk/errors.js';
import { messageOf, RethinkError } from '../errors.js';
import { CERTIFICATE_VARIABLES } from './certificates.js';
import type { Network, Router } from './dispatcher.js';
import { proxyFor } from './proxy.js';
import { shownUrl, splitCredentials } from './url.js';

export type { Network } from './dispatcher.js';

export interface RequestOptions {
  /** Default: GET. */
  method?: string;
  headers?: Record<string, string>;
  /** What is sent. */
  body?: string | undefined;
  /** `manual`: what is sent and shown is meant for this server alone. Default: `follow`. */
  redirect?: 'follow' | 'manual' | undefined;
  signal?: AbortSignal | undefined;
  network?: Network | undefined;
  /** What to do where the server can't be reached. */
  offlineHint: string;
}

const DEFAULT: Network = {};
const routers = new WeakMap<Network, Router>();

/**
 * Asks a server for a URL, which may hold a name and a password: through the proxy for it, trusting the certificates that
 * the system, pip and Node trust.
 *
 * @throws RethinkError (`failed`) where it can't be reached, with the reason and what can be done; as `fetch` where the
 * signal fired.
 */
export async function request(url: string, options: RequestOptions): Promise<Response> {
  const { url: plain, authorization } = splitCredentials(url);
  const { signal, body, network = DEFAULT } = options;
  try {
    const dispatcher = await routerOf(network);
    const { fetch } = await import('undici');
    return await fetch(plain, {
      // Sizes and digests are those of the bytes as they are stored.
      headers: {
        'accept-encoding': 'identity',
        ...options.headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      dispatcher,
      method: options.method ?? 'GET',
      redirect: options.redirect ?? 'follow',
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted || error instanceof RethinkError) throw error;
    throw unreachable(plain, network, error, options.offlineHint);
  }
}

/** The library is loaded at the first request: most commands make none. */
async function routerOf(network: Network): Promise<Router> {
  const known = routers.get(network);
  if (known !== undefined) return known;
  const { Router } = await import('./dispatcher.js');
  const router = new Router(network);
  routers.set(network, router);
  return router;
}

function unreachable(url: URL, network: Network, error: unknown, hint: string): RethinkError {
  const cause = rootOf(error);
  const proxy = proxyFor(url, network.proxy);
  const through = proxy === undefined ? '' : ` through the proxy ${shownUrl(proxy)}`;
  const [why, first] = reasonOf(cause);
  return new RethinkError(
    'failed',
    `Cannot reach ${url.host} for ${shownUrl(url)}${through}: ${why}.`,
    { hint: [first, hint].filter(Boolean).join(' '), cause: error },
  );
}

/** `fetch` says only that it failed; a RethinkError on the way is about a setting. */
function rootOf(error: unknown): unknown {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause === undefined ? error : rootOf(cause);
}

const UNTRUSTED =
  /^(UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)|(DEPTH_ZERO_)?SELF_SIGNED_CERT|CERT_UNTRUSTED)/;

/** Why, and what can be done about that besides. */
function reasonOf(cause: unknown): [why: string, hint?: string] {
  const code = errorCode(cause);
  const message = messageOf(cause);
  const refused = /Proxy response \((\d+)\)/.exec(message)?.[1];
  if (refused === '407' || message.includes('(407)')) {
    return [
      'the proxy asks for a name and a password (407)',
      'They belong into its URL: http://NAME:PASSWORD@proxy.example:3128.',
    ];
  }
  if (refused !== undefined) return [`the proxy answered ${refused}`];
  if (UNTRUSTED.test(code)) {
    return [
      `its certificate is signed by nobody who is trusted here (${code})`,
      `Name the file of your certificate authority in SSL_CERT_FILE (read, too: ${CERTIFICATE_VARIABLES.slice(1).join(', ')}).`,
    ];
  }
  // Several addresses were tried, and each has a reason of its own.
  const [one] = (cause as { errors?: unknown[] } | null)?.errors ?? [];
  return [code || errorCode(one) || message];
}
