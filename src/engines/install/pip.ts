import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from '../../disk/errors.js';
import { RethinkError } from '../../errors.js';
import { type ProcessResult, runProcess } from '../../machine/process.js';
import type { OnProgress } from '../../progress.js';

export interface PipDownload {
  /** Exact requirements: `tensorflow_cpu==2.21.0`. */
  requirements: string[];
  /** Folder for the wheels; pip's temporary files go below it, too. */
  into: string;
  /** Tags of the wheels wanted, whatever Python runs pip. */
  python: string;
  platforms: string[];
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

const UNITS: Record<string, number> = { bytes: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** Downloads wheels from PyPI, or wherever this machine's pip is set up to look; pip checks the index's hashes. */
export async function pipDownload(options: PipDownload): Promise<void> {
  // pip writes a growing file into its temporary folder: with one of our own, its size is the progress.
  const temporary = join(options.into, '.pip');
  await mkdir(temporary, { recursive: true });
  const expected = { name: '', total: 0 };
  const timer = setInterval(() => {
    void largestFile(temporary).then((done) => {
      if (expected.total === 0 || done === 0) return;
      const total = Math.max(expected.total, done);
      options.onProgress?.({ what: `downloading ${expected.name}`, done, total, unit: 'bytes' });
    });
  }, 250);
  try {
    const result = await runProcess('python3', pipArguments(options), {
      env: { ...process.env, TMPDIR: temporary, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      signal: options.signal,
      onStdout: (text) => readAnnouncement(text, expected),
    });
    if (result.code !== 0) throw pipError(result, options);
  } finally {
    clearInterval(timer);
  }
}

function pipArguments(options: PipDownload): string[] {
  return [
    ...['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir'],
    ...['--retries', '2', '--no-input', '--progress-bar', 'off', '--dest', options.into],
    ...['--implementation', 'cp', '--python-version', options.python],
    ...options.platforms.flatMap((platform) => ['--platform', platform]),
    ...options.requirements,
  ];
}

/** `Downloading tensorflow_cpu-2.21.0-….whl (273.8 MB)`, the line pip prints before each file. */
function readAnnouncement(text: string, expected: { name: string; total: number }): void {
  const lines = text.matchAll(/Downloading (\S+\.whl)\s+\(([\d.]+) (bytes|kB|MB|GB)\)/g);
  for (const [, url, size, unit] of lines) {
    expected.name = url!.slice(url!.lastIndexOf('/') + 1);
    expected.total = Number(size) * UNITS[unit!]!;
  }
}

async function largestFile(folder: string): Promise<number> {
  // The folder changes while it is read: what has gone meanwhile counts nothing.
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    ),
  );
  return Math.max(0, ...(await Promise.all(sizes)));
}

/** pip goes on after a failed connection and ends with 'no matching distribution': its warnings tell the truth. */
const OFFLINE =
  /Retrying \(Retry\(|ConnectionError|NewConnectionError|name resolution|Failed to resolve|unreachable|Connection refused|timed out|Max retries exceeded|ProxyError|SSLError/i;

function pipError(result: ProcessResult, options: PipDownload): RethinkError {
  const what = options.requirements[0];
  const folder =
    'or give a folder of wheels fetched elsewhere: rethink-gen engine install NAME --from DIR';
  if (result.missing) {
    return new RethinkError('failed', `python3 wasn't found; it is needed to fetch ${what}.`, {
      hint: `Install it (Debian, Ubuntu: apt install python3 python3-pip), ${folder}.`,
    });
  }
  if (/No module named '?pip/.test(result.stderr)) {
    return new RethinkError('failed', `python3 has no pip, which is needed to fetch ${what}.`, {
      hint: `Install it (Debian, Ubuntu: apt install python3-pip), ${folder}.`,
    });
  }
  if (/No space left on device|Disk quota exceeded/i.test(result.stderr)) {
    return diskError({ code: 'ENOSPC' }, 'write', options.into, 'engine');
  }
  if (OFFLINE.test(result.stderr)) {
    return new RethinkError(
      'failed',
      `${what} couldn't be fetched: PyPI isn't reachable from here.`,
      {
        hint: `Check the network and pip's index and proxy settings, ${folder}.`,
        cause: new Error(lastLine(result.stderr)),
      },
    );
  }
  return new RethinkError('failed', `pip couldn't fetch ${what}: ${lastLine(result.stderr)}`, {
    hint: `Try it by hand (python3 -m pip download ${what} --no-deps), ${folder}.`,
  });
}

/** The last line that says something; pip puts its errors there. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => line.startsWith('ERROR:'));
  return (error ?? lines.at(-1) ?? 'it said nothing').replace(/^ERROR:\s*/, '').trim();
}
