import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { hostName } from '../../machine/host.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether nobody but this machine reaches an address. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Why a request gets no answer. */
export interface Refusal {
  status: 401 | 403;
  sentence: string;
}

/** Who is answered: whoever asks on this machine, and from others who knows a random token, which stands in every path. */
export class Access {
  /** Before every path: `/`, or `/TOKEN/`. */
  readonly base: string;
  private readonly digest: Buffer | null;

  /**
   * @param host As it was given: another name that this server may be called by.
   * @param address That it listens at.
   */
  constructor(
    private readonly host: string,
    address: string,
  ) {
    const token = isLoopback(address) ? null : randomBytes(32).toString('base64url');
    this.base = token === null ? '/' : `/${token}/`;
    this.digest = token === null ? null : digestOf(token);
  }

  /** The path behind the base, without what stands behind a question mark; or why there is no answer. */
  pathOf({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): string | Refusal {
    if (!this.isOurName(headers.host ?? '')) {
      return {
        status: 403,
        sentence:
          'This server is not called that. Open the address that rethink-gen serve has printed; --host NAME gives it another name.',
      };
    }
    const [path = ''] = url.split('?', 1);
    if (this.digest === null) return path.startsWith('/') ? path.slice(1) : path;
    const [, token = '', rest = ''] = /^\/([^/]*)(?:\/(.*))?$/s.exec(path) ?? [];
    // The time that this takes tells nothing of the token.
    if (timingSafeEqual(digestOf(token), this.digest)) return rest;
    return {
      status: 401,
      sentence:
        'This page is for those who have its address, with the token that rethink-gen serve has printed.',
    };
  }

  /**
   * A page from elsewhere can give this machine's address a name of its own (DNS rebinding), and would then be let in by a
   * browser: a name must be one that is known here. An address is no name.
   */
  private isOurName(given: string): boolean {
    const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(given) ?? [];
    const name = (bracketed ?? plain ?? '').toLowerCase().replace(/\.$/, '');
    if (isIP(name) !== 0) return true;
    const own = hostName().toLowerCase();
    const known = ['localhost', own, own.split('.')[0]!, this.host.toLowerCase()];
    return name !== '' && (known.includes(name) || name.endsWith('.localhost'));
  }
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();
