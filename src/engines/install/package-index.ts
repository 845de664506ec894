import type { Response } from 'undici';
import { z } from 'zod';
import { parseJson } from '../../disk/json.js';
import { RethinkError } from '../../errors.js';
import { badAnswer } from '../../net/download.js';
import { type Network, request } from '../../net/request.js';
import { shownUrl, splitCredentials } from '../../net/url.js';
import type { PinnedWheel } from './pinned.js';

/** The index's answers: JSON of PEP 691, else HTML of PEP 503. */
const ACCEPT =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

const pageSchema = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

/** A wheel that an index has. */
export interface FoundWheel {
  wheel: PinnedWheel;
  /** With the index's name and password, where it is on the same server. */
  url: string;
}

/**
 * The first of the wheels that an index has; `undefined` where it has none of them, or not the project.
 *
 * @param index Base address of the index: `https://pypi.org/simple`.
 * @param project As in the wheels' names: `nvidia_cublas_cu12`.
 * @throws RethinkError: `failed` where the index can't be reached or answers with an error; `data` where its answer can't be
 * read, or gives a wheel another digest than its project does.
 */
export async function findOnIndex(
  index: string,
  project: string,
  wheels: readonly PinnedWheel[],
  options: { network: Network; offlineHint: string; signal?: AbortSignal | undefined },
): Promise<FoundWheel | undefined> {
  const page = `${index.replace(/\/+$/, '')}/${project.replaceAll('_', '-')}/`;
  const response = await request(page, { ...options, headers: { accept: ACCEPT } });
  if (response.status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) throw badAnswer(response, page, refusalHint(response.status));
  const files = await filesOf(response, page);
  for (const wheel of wheels) {
    const found = files.find(({ filename }) => filename === wheel.file);
    if (found === undefined) continue;
    const { sha256 } = found.hashes;
    if (sha256 !== undefined && sha256 !== wheel.sha256) {
      throw new RethinkError(
        'data',
        `${shownUrl(page)} has another ${wheel.file} than its project publishes: its SHA-256 is ${sha256}, and should be ${wheel.sha256}.`,
        { hint: 'Ask who keeps that index, or use another (PIP_INDEX_URL).' },
      );
    }
    return { wheel, url: withCredentials(found.url, index) };
  }
  return undefined;
}

function refusalHint(status: number): string {
  return [401, 403, 407].includes(status)
    ? 'The index asks for a name and a password: https://NAME:PASSWORD@… in PIP_INDEX_URL or in pip.conf.'
    : 'Check the index that pip is set up for (PIP_INDEX_URL, pip.conf), or try again later.';
}

interface IndexFile {
  filename: string;
  url: string;
  hashes: Record<string, string>;
}

/** The files of an index's page, with absolute addresses. */
async function filesOf(response: Response, page: string): Promise<IndexFile[]> {
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '');
  const { files, base } = json
    ? { files: parseJson(text, pageSchema, shownUrl(page)).files, base: response.url }
    : readHtml(text, response.url);
  return files.flatMap((file) =>
    URL.canParse(file.url, base) ? [{ ...file, url: new URL(file.url, base).href }] : [],
  );
}

/** `<a href="../../packages/x.whl#sha256=…">x.whl</a>` */
function readHtml(html: string, address: string): { files: IndexFile[]; base: string } {
  const href = /href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i;
  const target = (attributes: string) => {
    const [, double, single, bare] = href.exec(attributes) ?? [];
    return decodeEntities(double ?? single ?? bare ?? '');
  };
  const [, baseAttributes] = /<base\s([^>]*)>/i.exec(html) ?? [];
  const named = target(baseAttributes ?? '');
  const base = URL.canParse(named, address) ? new URL(named, address).href : address;
  const files = [...html.matchAll(/<a\s([^>]*)>([^<]*)<\/a/gi)].map(([, attributes, text]) => {
    const [url = '', fragment = ''] = target(attributes!).split('#');
    const [, sha256] = /^sha256=([0-9a-f]{64})$/.exec(fragment) ?? [];
    return {
      filename: decodeEntities(text!).trim(),
      url,
      hashes: sha256 === undefined ? {} : ({ sha256 } as Record<string, string>),
    };
  });
  return { files, base };
}

function decodeEntities(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => named[name]!);
}

/** pip sends them to the index's own server alone. */
function withCredentials(url: string, index: string): string {
  const [file, from] = [new URL(url), new URL(index)];
  if (file.origin !== from.origin || splitCredentials(file).authorization !== undefined) return url;
  file.username = from.username;
  file.password = from.password;
  return file.href;
}
