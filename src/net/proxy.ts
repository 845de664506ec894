import { BlockList, isIP } from 'node:net';
import { RethinkError } from '../errors.js';
import { shownUrl } from './url.js';

/**
 * The proxy through which a URL is to be reached, as curl and pip read the environment: `https_proxy` and `http_proxy`, for
 * both `all_proxy`, none for the hosts of `no_proxy`; in small letters first, else in capitals.
 *
 * @param given A proxy from elsewhere, for both; `no_proxy` holds for it too.
 * @throws RethinkError (`usage`) where it is no proxy that we can talk to.
 */
export function proxyFor(
  url: URL,
  given?: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): URL | undefined {
  const variable = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  const proxy = given ?? variable(`${url.protocol.slice(0, -1)}_proxy`) ?? variable('all_proxy');
  if (proxy === undefined || isExempt(url, variable('no_proxy') ?? '')) return undefined;
  return parsed(proxy);
}

function parsed(proxy: string): URL {
  const withScheme = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (URL.canParse(withScheme)) {
    const url = new URL(withScheme);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new RethinkError('usage', `The proxy ${shownUrl(withScheme)} can't be used.`, {
    hint: 'https_proxy looks like http://proxy.example:3128; SOCKS is not spoken here.',
  });
}

/** Whether an entry of `no_proxy` names the host: itself, a domain above it, or a network of addresses. */
function isExempt({ hostname, port, protocol }: URL, exempt: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const hostPort = port || (protocol === 'https:' ? '443' : '80');
  return exempt
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (isIP(host) && entry.includes('/')) return inNetwork(host, entry);
      const [, name = entry, onlyPort] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(entry) ?? [];
      // An IPv6 address without brackets ends like a port.
      if (isIP(entry) === 6) return host === entry;
      if (onlyPort !== undefined && onlyPort !== hostPort) return false;
      const domain = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
      return host === domain || (!isIP(host) && host.endsWith(`.${domain}`));
    });
}

function inNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address);
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
