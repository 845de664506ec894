import type { Response } from 'undici';
import { SINK_KINDS, type TrackerPlace } from '../../config/sinks.js';
import { messageOf, RethinkError } from '../../errors.js';
import { request } from '../../net/request.js';
import { shownUrl, splitCredentials } from '../../net/url.js';

/** A server that sends nothing for this long has gone. */
const SECONDS = 30;
/** Far more than the numbers of any run. */
const LARGEST_ANSWER = 64 * 2 ** 20;
/** A server may ask for that much patience, in seconds. */
const LONGEST_PAUSE = 60;

/** A tracker that can't be reached or refuses. */
export class TrackerError extends RethinkError {
  /** Whether the same may work in a while. */
  readonly mayPass: boolean;
  /** Seconds that the server asks to be left alone. */
  readonly pause: number;
  /** What it answered, where that was JSON. */
  readonly answer: unknown;

  constructor(
    message: string,
    options: {
      mayPass: boolean;
      pause?: number;
      answer?: unknown;
      hint?: string | undefined;
      cause?: unknown;
    },
  ) {
    const { hint, cause, mayPass, pause = 0, answer } = options;
    super('failed', message, { hint, cause });
    this.mayPass = mayPass;
    this.pause = pause;
    this.answer = answer;
  }
}

/**
 * Whether the environment says which server its secrets are for, and whether that is this one: a config may come from a
 * stranger, and name a stranger's server.
 */
export function isMeant({ kind, url }: TrackerPlace, env: NodeJS.ProcessEnv): boolean | undefined {
  const named = env[SINK_KINDS[kind].server];
  if (!named) return undefined;
  return URL.canParse(named) && new URL(named).origin === new URL(url).origin;
}

/** Asks a tracker: POST where there is a body. What it answered, which is JSON. @throws TrackerError */
export type Ask = (path: string, body?: object) => Promise<unknown>;

/**
 * Asks one server, showing it what it wants to be shown.
 *
 * @param headers What shows who is asking; a name and a password in the URL go before.
 */
export function asker(
  { kind, url }: TrackerPlace,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Ask {
  const { label, secrets, server } = SINK_KINDS[kind];
  const { url: plain, authorization } = splitCredentials(url);
  const root = `${plain.origin}${plain.pathname.replace(/\/+$/, '')}`;
  const place = `${label} at ${shownUrl(url)}`;
  const all = { ...headers, ...(authorization === undefined ? {} : { authorization }) };

  const refused = ({ status, statusText, headers }: Response, text: string): TrackerError => {
    const said = saidBy(text);
    const answer = parsed(text);
    // Trackio answers 400 to a wrong token.
    const isAuth = status === 401 || status === 403 || /write_token|hf_token/i.test(said);
    const moved = status >= 300 && status < 400 ? headers.get('location') : null;
    const reason = `${[status, statusText].filter(Boolean).join(' ')}${said === '' ? '' : `: ${said}`}`;
    const hint = isAuth
      ? `It is shown ${secrets.join(', ')} of the environment, unless ${server} names another server.`
      : moved === null
        ? undefined
        : `It points to ${shownUrl(new URL(moved, root))}: give that address.`;
    return new TrackerError(`${place} answered ${reason.replace(/\.$/, '')}.`, {
      mayPass: status === 408 || status === 425 || status === 429 || (status >= 500 && !isAuth),
      pause: pauseOf(headers.get('retry-after')),
      answer,
      hint,
    });
  };

  return async (path, body) => {
    const timeout = AbortSignal.timeout(SECONDS * 1000);
    const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      const response = await request(`${root}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...all, 'content-type': 'application/json', accept: 'application/json' },
        body: body === undefined ? undefined : jsonOf(body),
        redirect: 'manual',
        signal: both,
        offlineHint: 'Is the server running, and the address right?',
      });
      const text = await textOf(response, place);
      if (!response.ok) throw refused(response, text);
      const answer = parsed(text);
      if (answer !== undefined) return answer;
      // Half an answer, or the page of a proxy.
      const what = `${place} answered with something else than JSON.`;
      throw new TrackerError(what, {
        mayPass: true,
        hint: `Is it the address of ${label} itself?`,
      });
    } catch (error) {
      if (signal?.aborted) throw new RethinkError('interrupted', 'Interrupted while sending.');
      if (error instanceof TrackerError) throw error;
      if (timeout.aborted) {
        throw new TrackerError(`${place} gave no answer for ${SECONDS} s.`, { mayPass: true });
      }
      if (error instanceof RethinkError) {
        const { message, hint, kind } = error;
        throw new TrackerError(message, { mayPass: kind === 'failed', hint, cause: error });
      }
      throw new TrackerError(`${place} broke off: ${messageOf(error)}.`, {
        mayPass: true,
        cause: error,
      });
    }
  };
}

/**
 * JSON in which a number beyond 64 bits has an exponent: without, it is an integer to Python, and larger than those that its
 * libraries write.
 */
function jsonOf(body: object): string {
  const marked = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'number' && Math.abs(value) >= 2 ** 63 ? `@${value.toExponential()}` : value,
  );
  return marked.replace(/"@(-?\d(?:\.\d+)?e\+\d+)"/g, '$1');
}

async function textOf(response: Response, place: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) {
      throw new TrackerError(`${place} answers without end.`, { mayPass: false });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What a server says of its refusal, in one line of a bounded length. */
function saidBy(text: string): string {
  const answer = parsed(text) as Record<string, unknown> | undefined;
  const said = answer?.message ?? answer?.error ?? answer?.detail ?? '';
  const line = typeof said === 'string' ? said.replace(/\s+/g, ' ').trim() : '';
  return line.length > 300 ? `${line.slice(0, 300)} …` : line;
}

/** Of `Retry-After`: seconds, or a date. */
function pauseOf(header: string | null): number {
  if (header === null) return 0;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LONGEST_PAUSE) : 0;
}
