import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchReport } from '../../../src/cli/show/data-report.js';
import { loadDataset } from '../../../src/data/load.js';
import { fetchDataset } from '../../../src/data/published/fetch.js';
import type { CifarPythonForm, PublishedSpec } from '../../../src/data/published/types.js';
import type { Preparing } from '../../../src/progress.js';
import { answer, type Handler, serve as startServer } from '../../helpers/server.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarForm,
  cifarPythonForm,
  failure,
  noise,
  smallCifar,
  smallIdx,
  withArchive,
  write,
} from '../helpers.js';

const content = Buffer.from(noise(300_000, 1));
const archive = {
  file: 'cifar-10-binary.tar.gz',
  bytes: content.length,
  md5: createHash('md5').update(content).digest('hex'),
  sha256: createHash('sha256').update(content).digest('hex'),
};
const several = withArchive(smallCifar('cifar10', 1), archive);
/** One form alone: what one place says is all there is to say. */
const spec: PublishedSpec = { ...several, forms: [several.forms[0]] };

afterEach(() => {
  vi.unstubAllEnvs();
});

async function serve(handler: Handler) {
  const ranges: (string | undefined)[] = [];
  const { origin, server } = await startServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response);
  });
  return { baseUrl: `${origin}/data`, ranges, server };
}

const fileServer =
  (bytes: Buffer): Handler =>
  (request, response) =>
    answer(request, response, bytes);

describe('fetching', () => {
  it('puts a checked file into the data folder, once', async () => {
    const { baseUrl, ranges } = await serve(fileServer(content));
    const dataDir = temporaryFolder();
    const events: Preparing[] = [];
    const options = {
      baseUrl,
      dataDir,
      spec,
      onProgress: (event: Preparing) => events.push(event),
    };
    const path = join(dataDir, archive.file);
    expect(await fetchDataset('cifar10', options)).toEqual([
      {
        path,
        bytes: content.length,
        present: false,
        from: `${baseUrl}/cifar-10-binary.tar.gz`,
      },
    ]);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(existsSync(`${path}.part`)).toBe(false);
    expect(events.at(-1)).toEqual({
      what: 'fetching cifar-10-binary.tar.gz',
      done: content.length,
      total: content.length,
      unit: 'bytes',
    });
    expect((await fetchDataset('cifar10', options))[0]!.present).toBe(true);
    expect(ranges).toEqual([undefined]);
  });

  it('goes on where an earlier attempt stopped', async () => {
    const { baseUrl, ranges } = await serve(fileServer(content));
    const dataDir = temporaryFolder();
    const path = join(dataDir, archive.file);
    write(`${path}.part`, content.subarray(0, 123_456));
    await fetchDataset('cifar10', { baseUrl, dataDir, spec });
    expect(ranges).toEqual(['bytes=123456-']);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('starts over where the server ignores the range', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.end(content);
    });
    const dataDir = temporaryFolder();
    const path = join(dataDir, archive.file);
    write(`${path}.part`, noise(200_000, 9));
    await fetchDataset('cifar10', { baseUrl, dataDir, spec });
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('goes on by itself where the connection breaks', async () => {
    let answers = 0;
    const whole = fileServer(content);
    const { baseUrl, ranges } = await serve((request, response) => {
      if (++answers > 2) return whole(request, response);
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
      const range = `bytes ${from}-${content.length - 1}/${content.length}`;
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': content.length - from,
        ...(from > 0 ? { 'content-range': range } : {}),
      });
      response.write(content.subarray(from, from + 70_000), () =>
        setTimeout(() => response.destroy(), 20),
      );
    });
    const dataDir = temporaryFolder();
    await fetchDataset('cifar10', { baseUrl, dataDir, spec });
    expect(readFileSync(join(dataDir, archive.file)).equals(content)).toBe(true);
    expect(ranges.length).toBe(3);
    expect(ranges[2]).toMatch(/^bytes=\d+-$/);
  });

  it('gives up on a server that ends its answers early, and keeps what came', async () => {
    const { baseUrl, ranges } = await serve((request, response) => {
      // Without a length, so that the answer looks complete; later answers are empty.
      const from = request.headers.range === undefined ? 0 : 100_000;
      if (from > 0) response.writeHead(206, { 'content-range': `bytes 100000-299999/300000` });
      response.write(from > 0 ? '' : content.subarray(0, 100_000));
      response.end();
    });
    const dataDir = temporaryFolder();
    const error = await failure(() => fetchDataset('cifar10', { baseUrl, dataDir, spec }));
    expect(error.message).toMatch(/broke off after 100,000 of 300,000 bytes/);
    expect(error.hint).toMatch(/Run the command again/);
    expect(ranges.length).toBe(4);
    const part = join(dataDir, `${archive.file}.part`);
    expect(readFileSync(part).equals(content.subarray(0, 100_000))).toBe(true);
  });

  it('refuses and deletes a file with another digest', async () => {
    const wrong = Buffer.from(content);
    wrong[7]! ^= 1;
    const { baseUrl } = await serve(fileServer(wrong));
    const dataDir = temporaryFolder();
    const error = await failure(() => fetchDataset('cifar10', { baseUrl, dataDir, spec }));
    expect(error.kind).toBe('data');
    expect(error.message).toContain(archive.sha256);
    expect(error.message).toContain('it was deleted');
    expect(existsSync(join(dataDir, archive.file))).toBe(false);
    expect(existsSync(join(dataDir, `${archive.file}.part`))).toBe(false);
  });

  it.each([
    ['announced', true],
    ['sent without a length', false],
  ])('refuses an oversized answer, %s', async (_, announced) => {
    const { baseUrl } = await serve((_request, response) => {
      const larger = Buffer.concat([content, content]);
      if (announced) response.writeHead(200, { 'content-length': larger.length });
      response.write(larger.subarray(0, 1000));
      response.end(larger.subarray(1000));
    });
    const dataDir = temporaryFolder();
    const error = await failure(() => fetchDataset('cifar10', { baseUrl, dataDir, spec }));
    expect(error.message).toMatch(
      /has (600,000|more than 300,000) bytes, and 300,000 are expected/,
    );
    expect(existsSync(join(dataDir, `${archive.file}.part`))).toBe(false);
  });

  it('refuses a file that is shorter than expected, before reading it', async () => {
    const { baseUrl } = await serve(fileServer(content.subarray(0, 1000)));
    const error = await failure(() =>
      fetchDataset('cifar10', { baseUrl, dataDir: temporaryFolder(), spec }),
    );
    expect(error.message).toMatch(/has 1,000 bytes, and 300,000 are expected/);
  });

  it('quotes what the server answers', async () => {
    const { baseUrl } = await serve((_, response) => response.writeHead(404).end('no'));
    const error = await failure(() =>
      fetchDataset('cifar10', { baseUrl, dataDir: temporaryFolder(), spec }),
    );
    expect(error.message).toBe(`${baseUrl}/cifar-10-binary.tar.gz answered 404 Not Found.`);
  });

  it('without a network says how to do without', async () => {
    const { baseUrl, server } = await serve(fileServer(content));
    server.close();
    const dataDir = temporaryFolder();
    const error = await failure(() => fetchDataset('cifar10', { baseUrl, dataDir, spec }));
    expect(error.kind).toBe('failed');
    expect(error.message).toMatch(/^Cannot reach 127\.0\.0\.1:\d+ for .*: ECONNREFUSED\.$/);
    expect(error.hint).toContain(join(dataDir, archive.file));
    expect(error.hint).toContain('https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz');
  });

  it('stops when it is interrupted and keeps what came', async () => {
    const controller = new AbortController();
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    });
    const dataDir = temporaryFolder();
    const error = await failure(() =>
      fetchDataset('cifar10', {
        baseUrl,
        dataDir,
        spec,
        signal: controller.signal,
        onProgress: ({ done }) => done === 50_000 && controller.abort(),
      }),
    );
    expect(error.kind).toBe('interrupted');
    expect(existsSync(join(dataDir, `${archive.file}.part`))).toBe(true);
  });

  it('finds MNIST and Fashion-MNIST apart on a mirror', async () => {
    const asked: string[] = [];
    const { baseUrl } = await serve((request, response) => {
      asked.push(request.url!);
      response.writeHead(404).end();
    });
    for (const name of ['mnist', 'fashion-mnist'] as const) {
      await failure(() =>
        fetchDataset(name, { baseUrl, dataDir: temporaryFolder(), spec: smallIdx(name, 1, 1) }),
      );
    }
    expect(asked).toEqual([
      '/data/mnist/train-images-idx3-ubyte.gz',
      '/data/fashion-mnist/train-images-idx3-ubyte.gz',
    ]);
  });

  it.each([
    ['synthetic', /generated/],
    ['imagetree', /your own folder/],
    ['cifar', /no data set that is known/],
  ])('has nothing to fetch for %s', async (name, message) => {
    const error = await failure(() => fetchDataset(name, { dataDir: temporaryFolder() }));
    expect(error.kind).toBe('usage');
    expect(error.message).toMatch(message);
  });

  it('names a mirror that is no URL, and a folder that can’t be made', async () => {
    const dataDir = temporaryFolder();
    const mirror = await failure(() => fetchDataset('cifar10', { baseUrl: 'here', dataDir, spec }));
    expect(mirror.message).toContain('"here" is not a URL');
    const file = write(join(dataDir, 'file'), 'x');
    const folder = await failure(() => fetchDataset('cifar10', { dataDir: join(file, 'x'), spec }));
    expect(folder.kind).toBe('failed');
    expect(folder.message).toMatch(/^Could not create .*file\/x: /);
  });
});

describe('several places', () => {
  const form = cifarForm(spec);
  async function away(): Promise<string> {
    const { origin, server } = await startServer(() => {});
    server.close();
    return `${origin}/`;
  }
  const from = (...urls: [string, ...string[]]): PublishedSpec => {
    return { ...spec, forms: [{ ...form, urls }] };
  };
  const half = content.length / 2;
  /** Sends no byte beyond the half, whatever is asked for. */
  const cutOff: Handler = (request, response) => {
    const at = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    if (at > 0) response.writeHead(206, { 'content-range': `bytes ${at}-299999/300000` });
    response.write(content.subarray(at, Math.max(at, half)));
    response.end();
  };

  it('are tried in turn, and a partial download goes on at the next', async () => {
    vi.stubEnv('RETHINK_GEN_MIRROR', '');
    const second = await serve(cutOff);
    const third = await serve(fileServer(content));
    const dataDir = temporaryFolder();
    const of = from(await away(), `${second.baseUrl}/`, `${third.baseUrl}/`);
    const files = await fetchDataset('cifar10', { dataDir, spec: of });
    const path = join(dataDir, archive.file);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(third.ranges).toEqual([`bytes=${half}-`]);
    const [story, tried, ...rest] = fetchReport(files).trim().split('\n');
    expect(story).toBe(
      `${path}  0.3 MB  fetched from ${third.baseUrl}/cifar-10-binary.tar.gz, digest right`,
    );
    expect(tried).toMatch(
      /^Tried before: Cannot reach 127\.0\.0\.1:\d+ .*: ECONNREFUSED\. The download of .* broke off after 150,000 of 300,000 bytes\.$/,
    );
    expect(rest).toEqual([]);
  });

  it('start over where one has other bytes', async () => {
    vi.stubEnv('RETHINK_GEN_MIRROR', '');
    const wrong = await serve(fileServer(Buffer.from(noise(300_000, 5))));
    const right = await serve(fileServer(content));
    const dataDir = temporaryFolder();
    const of = from(`${wrong.baseUrl}/`, `${right.baseUrl}/`);
    const [file] = await fetchDataset('cifar10', { dataDir, spec: of });
    expect(right.ranges).toEqual([undefined]);
    expect(file!.failed).toMatchObject([expect.stringMatching(/is not the official file/)]);
  });

  it('may have another form, also on a mirror, and are all named where none has any', async () => {
    const python: CifarPythonForm = {
      ...cifarPythonForm(several),
      files: [{ ...archive, file: 'python.tar.gz' }],
    };
    const both: PublishedSpec = { ...spec, forms: [form, python] };
    const { baseUrl } = await serve((request, response) => {
      if (request.url!.includes('binary')) response.writeHead(404).end();
      else answer(request, response, content);
    });
    vi.stubEnv('RETHINK_GEN_MIRROR', baseUrl);
    const dataDir = temporaryFolder();
    const [file] = await fetchDataset('cifar10', { dataDir, spec: both });
    expect(file).toMatchObject({ path: join(dataDir, 'python.tar.gz'), present: false });
    expect((await fetchDataset('cifar10', { dataDir, spec: both }))[0]!.present).toBe(true);
    vi.stubEnv('RETHINK_GEN_MIRROR', await away());
    const error = await failure(() =>
      fetchDataset('cifar10', { dataDir: temporaryFolder(), spec: both }),
    );
    expect(error.message).toMatch(/binary\.tar\.gz.* Nor elsewhere: .*python\.tar\.gz/);
    expect(error.kind).toBe('failed');
  });
});

describe('a data set that is missing', () => {
  it('is an error that names all places and how to get it, and is not fetched unasked', async () => {
    const dataDir = temporaryFolder();
    const cache = temporaryFolder();
    vi.stubEnv('RETHINK_GEN_DATA', temporaryFolder());
    vi.stubEnv('XDG_CACHE_HOME', cache);
    vi.stubEnv('HOME', temporaryFolder());
    const error = await failure(() => loadDataset({ name: 'cifar10' }, { dataDir, seed: 0 }));
    expect(error.kind).toBe('data');
    expect(error.message).toBe(
      `cifar10 was not found in ${dataDir}, ${process.env.RETHINK_GEN_DATA}, ${cache}/rethink-gen/data, nor in ./data, ~/data or where PyTorch, Keras and Hugging Face keep it.`,
    );
    expect(error.hint).toContain('rethink-gen data fetch cifar10 (170 MB)');
    expect(error.hint).toContain('rethink-gen data import PATH --as cifar10');
  });

  it('is not looked for elsewhere where data.dir says where', async () => {
    const dir = temporaryFolder();
    const error = await failure(() => loadDataset({ name: 'cifar100', dir }, { seed: 0 }));
    expect(error.message).toBe(`cifar100 was not found in ${dir}.`);
    const gone = await failure(() =>
      loadDataset({ name: 'cifar100', dir: '/no/dir' }, { seed: 0 }),
    );
    expect(gone.message).toBe('data.dir is /no/dir, and there is no such file or folder.');
  });

  it('is fetched where that is allowed', async () => {
    const { baseUrl } = await serve((_, response) => response.writeHead(503).end());
    vi.stubEnv('RETHINK_GEN_MIRROR', baseUrl);
    vi.stubEnv('RETHINK_GEN_DATA', '');
    vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
    vi.stubEnv('HOME', temporaryFolder());
    const error = await failure(() =>
      loadDataset({ name: 'cifar10' }, { seed: 0, allowDownload: true }),
    );
    expect(error.message).toContain(`${baseUrl}/cifar-10-binary.tar.gz answered 503`);
  });
});
