import { readdir, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { replaceFolder, requireSpace, withTemporaryFolder } from '../../disk/folders.js';
import { RethinkError } from '../../errors.js';
import { cacheRoot } from '../../machine/cache-folder.js';
import { shownUrl } from '../../net/url.js';
import type { EngineContext } from './context.js';
import { writeManifest } from './manifest.js';
import { type FoundWheel, findOnIndex } from './package-index.js';
import { type PinnedWheel, pinnedWheels, wheelArch } from './pinned.js';
import { type PipSettings, pipSettings } from './pip-settings.js';
import { openRemoteWheel } from './remote-wheel.js';
import { extractWheel, openWheelFile, type SelectFile } from './wheel.js';

export interface WheelInstallation {
  /** For people: `TensorFlow 2.21.0 (cpu)`. */
  what: string;
  /** The folder that is to hold it. */
  dir: string;
  /** Projects of which a wheel each is needed, as wheels' names have them: `nvidia_cublas_cu12`. */
  projects: readonly string[];
  select: SelectFile;
  /** Bytes that it takes on the disk while it is made. */
  space: number;
  /** Written into the manifest. */
  versions: Record<string, string>;
  /** A folder that holds the wheels; default: `RETHINK_GEN_WHEELS`, else the package index of pip. */
  from?: string | undefined;
}

const BY_HAND =
  'Or give a folder of wheels that were fetched elsewhere: rethink-gen engine install NAME --from DIR';
const offlineHint = `Check the network, and the index and proxy that pip is set up for. ${BY_HAND}`;

/** A project and its wheels that are known, the best first. */
interface Wanted {
  project: string;
  wheels: PinnedWheel[];
}

/**
 * Fills a folder with files of wheels: it appears whole or not at all. Of wheels at an index only the parts that are needed are
 * fetched, and an attempt that was interrupted goes on.
 *
 * @throws RethinkError: `failed` where they can't be had, `data` where one is not what its project published.
 */
export async function installWheels(
  installation: WheelInstallation,
  context: EngineContext,
): Promise<void> {
  const { dir, what, select, versions, projects } = installation;
  const { onProgress, signal } = context;
  const from = installation.from ?? (process.env.RETHINK_GEN_WHEELS || undefined);
  const settings = pipSettings();
  const downloads = join(cacheRoot(), 'downloads', basename(dir));
  const wanted = projects.map(wantedWheels);
  await withTemporaryFolder(dir, 'engine', async (staging) => {
    requireSpace(staging, installation.space);
    const source = from ?? placeOf(settings);
    context.note?.(`Installing ${what} into ${dir}, from ${source}; this happens once.`);
    const wheels: { file: string; sha256: string }[] = [];
    const digests: Record<string, string> = {};
    for (const one of wanted) {
      try {
        const found = await (from === undefined
          ? locate(one, settings, signal)
          : locateIn(from, one));
        const { network } = settings;
        const into = join(downloads, found.wheel.file);
        const wheel = await ('path' in found
          ? openWheelFile(found.path, found.wheel, signal)
          : openRemoteWheel(found, { network, offlineHint, signal, select, into, onProgress }));
        const extract = { select, into: staging, onProgress, signal };
        Object.assign(digests, await extractWheel(wheel, extract));
        wheels.push({ file: wheel.wheel.file, sha256: wheel.wheel.sha256 });
      } catch (error) {
        // What is wrong with it would be wrong with it the next time, too.
        if (error instanceof RethinkError && error.kind === 'data') await remove(downloads);
        throw error;
      }
    }
    writeManifest(staging, { versions, wheels, digests });
    replaceFolder(staging, dir);
  });
  await remove(downloads);
}

const remove = (path: string) => rm(path, { recursive: true, force: true });

function wantedWheels(project: string): Wanted {
  const arch = wheelArch();
  const wheels = arch === undefined ? [] : pinnedWheels(project, arch);
  if (wheels.length === 0) {
    throw new RethinkError('failed', `There is no wheel of ${project} for ${process.arch}.`, {
      hint: 'Its makers publish none that is known here: use another engine or variant.',
    });
  }
  return { project, wheels };
}

/** For people: the hosts of the indexes, and the folders. */
function placeOf({ folders, indexes }: PipSettings): string {
  const hosts = indexes.map((index) => (URL.canParse(index) ? new URL(index).host : index));
  return [...folders, ...hosts].join(', ') || 'nowhere: pip is set up with no index';
}

/** Where a wheel is: in a folder, or at an index. */
type Located = { wheel: PinnedWheel; path: string } | FoundWheel;

/**
 * Where the wheels would come from, for people: whether they can be had is found out, and nothing is fetched.
 *
 * @throws RethinkError as `installWheels` would.
 */
export async function findSource(
  projects: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const from = process.env.RETHINK_GEN_WHEELS || undefined;
  const settings = pipSettings();
  for (const one of projects.map(wantedWheels)) {
    const found = await (from === undefined ? locate(one, settings, signal) : locateIn(from, one));
    // An index that has the first has the others.
    if ('url' in found) return new URL(found.url).host;
  }
  return from ?? placeOf(settings);
}

async function locate(
  { project, wheels }: Wanted,
  { indexes, folders, network }: PipSettings,
  signal: AbortSignal | undefined,
): Promise<Located> {
  for (const folder of folders) {
    const found = await wheelIn(folder, wheels).catch(() => undefined);
    if (found !== undefined) return { wheel: found, path: join(folder, found.file) };
  }
  const failures: RethinkError[] = [];
  for (const index of indexes) {
    try {
      requireWebAddress(index);
      const found = await findOnIndex(index, project, wheels, { network, offlineHint, signal });
      if (found !== undefined) return found;
    } catch (error) {
      if (signal?.aborted) {
        throw new RethinkError('interrupted', `Interrupted while asking for ${wheels[0]!.file}.`);
      }
      // Another index may have it.
      if (!(error instanceof RethinkError) || error.kind !== 'failed') throw error;
      failures.push(error);
    }
  }
  throw notFetched(wheels, failures[0], placeOf({ indexes, folders, network }));
}

function notFetched(
  wheels: readonly PinnedWheel[],
  failure: RethinkError | undefined,
  place: string,
): RethinkError {
  const why = failure?.message ?? `there is none at ${place}.`;
  const sentence = why.charAt(0).toLowerCase() + why.slice(1);
  return new RethinkError('failed', `${wheels[0]!.file} couldn't be fetched: ${sentence}`, {
    hint: failure?.hint ?? BY_HAND,
    cause: failure,
  });
}

function requireWebAddress(index: string): void {
  if (/^https?:$/.test(URL.canParse(index) ? new URL(index).protocol : '')) return;
  throw new RethinkError('usage', `The package index ${shownUrl(index)} is no web address.`, {
    hint: 'PIP_INDEX_URL, or index-url in pip.conf, looks like https://pypi.org/simple.',
  });
}

async function locateIn(folder: string, { project, wheels }: Wanted): Promise<Located> {
  const found = await wheelIn(folder, wheels).catch((cause: unknown) => {
    throw new RethinkError('usage', `The folder of wheels ${resolve(folder)} can't be read.`, {
      hint: 'Give an existing folder with --from, or unset RETHINK_GEN_WHEELS.',
      cause,
    });
  });
  if (found !== undefined) return { wheel: found, path: join(folder, found.file) };
  const others = (await readdir(folder)).filter((name) => name.startsWith(`${project}-`));
  const known = wheels.map(({ file }) => file);
  throw new RethinkError(
    'failed',
    others.length === 0
      ? `There is no wheel of ${project} in ${folder}.`
      : `${others[0]} in ${folder} is no wheel that is known: its name is not in the table of digests.`,
    {
      hint: `It has to be ${known[0]}${known.length > 1 ? `, or that of another Python` : ''}; a package index has it.`,
    },
  );
}

async function wheelIn(
  folder: string,
  wheels: readonly PinnedWheel[],
): Promise<PinnedWheel | undefined> {
  const names = new Set(await readdir(folder));
  return wheels.find(({ file }) => names.has(file));
}
