import { createSecureContext, type SecureContext } from 'node:tls';
import { Agent, Dispatcher, ProxyAgent } from 'undici';
import { trustedCertificates } from './certificates.js';
import { proxyFor } from './proxy.js';
import { splitCredentials } from './url.js';

/** How the network is reached, beyond what the environment says. */
export interface Network {
  /** A proxy for all that `no_proxy` doesn't exempt. */
  proxy?: string | undefined;
  /** Files or folders of more certificate authorities. */
  certificates?: readonly string[];
  /** Hosts (`name` or `name:port`) whose certificate isn't looked at. */
  trustedHosts?: readonly string[];
}

/**
 * Sends each request, also one that follows a redirection, directly or through the proxy for its host. Connections are kept
 * open for the next one; they don't keep the process alive.
 */
export class Router extends Dispatcher {
  private readonly agents = new Map<string, Dispatcher>();
  private secureContext: SecureContext | undefined;

  constructor(private readonly network: Network) {
    super();
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandlers,
  ): boolean {
    return this.agentFor(new URL(String(options.origin))).dispatch(options, handler);
  }

  private agentFor(origin: URL): Dispatcher {
    const proxy = proxyFor(origin, this.network.proxy);
    const trusted = (this.network.trustedHosts ?? []).some(
      (host) => host === origin.hostname || host === origin.host,
    );
    const key = `${proxy?.href ?? ''} ${trusted}`;
    const known = this.agents.get(key);
    if (known !== undefined) return known;
    this.secureContext ??= createSecureContext({
      ca: trustedCertificates(this.network.certificates),
    });
    const { secureContext } = this;
    const tls = trusted ? { secureContext, rejectUnauthorized: false } : { secureContext };
    const agent =
      proxy === undefined ? new Agent({ connect: tls }) : throughProxy(proxy, secureContext, tls);
    this.agents.set(key, agent);
    return agent;
  }
}

function throughProxy(proxy: URL, secureContext: SecureContext, requestTls: object): Dispatcher {
  const { url, authorization } = splitCredentials(proxy);
  return new ProxyAgent({
    uri: url.href,
    ...(authorization === undefined ? {} : { token: authorization }),
    proxyTls: { secureContext },
    requestTls,
    // Proxies are asked for plain http without a tunnel: many allow tunnels to port 443 alone.
    proxyTunnel: false,
  });
}
