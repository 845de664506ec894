import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { renameDurably } from '../../disk/files.js';
import { replaceFolder, requireSpace, withTemporaryFolder } from '../../disk/folders.js';
import { withLock } from '../../disk/waiting-lock.js';
import { RethinkError } from '../../errors.js';
import type { EngineContext } from '../install/context.js';
import { extractWheel } from '../install/wheel.js';
import { buildAddon, compilerMissing, compilerVersion } from './addon.js';
import { obtainWheels } from './fetch.js';
import {
  findInstallation,
  hasAddon,
  type Installation,
  installationDir,
  writeManifest,
} from './installation.js';
import { platformProblem } from './platform.js';
import { SPACE_NEEDED, selectFile, TENSORFLOW_VERSION, type Variant } from './wheels.js';

export interface InstallOptions {
  variant: Variant;
  /** A folder that holds the wheels; default: `RETHINK_GEN_WHEELS`, else PyPI. */
  from?: string | undefined;
  /** Install again what is there already. */
  force?: boolean | undefined;
}

/**
 * Makes sure TensorFlow's libraries and tfjs' addon for them are in the cache folder. One process installs, others
 * wait; the folder appears whole or not at all; what an interrupted installation left is removed by the next.
 */
export async function installTensorflow(
  options: InstallOptions,
  context: EngineContext,
): Promise<Installation> {
  const problem = platformProblem();
  if (problem !== undefined) {
    throw new RethinkError('failed', `The engine tensorflow can't be installed: ${problem}.`, {
      hint: 'Use the engine wasm, which runs everywhere, if slowly.',
    });
  }
  const existing = options.force ? undefined : await findInstallation(options.variant);
  // Before the lock: an engine on a disk that this user may only read is as good as any.
  if (existing !== undefined && (await hasAddon(existing))) return existing;
  const dir = installationDir(options.variant);
  const onWait = (who: string) =>
    context.note?.(`Waiting for ${who} that is installing TensorFlow.`);
  return withLock(`${dir}.lock`, { onWait, signal: context.signal }, async () => {
    const found = options.force ? undefined : await findInstallation(options.variant);
    if (found === undefined) await installFresh(dir, options, context);
    const installed = await findInstallation(options.variant);
    if (installed === undefined) throw new Error(`${dir} isn't whole after its installation`);
    if (!(await hasAddon(installed))) await makeAddon(installed, context);
    return installed;
  });
}

async function installFresh(
  dir: string,
  options: InstallOptions,
  context: EngineContext,
): Promise<void> {
  // Asked first: nobody wants to learn after the download that it was for nothing.
  if ((await compilerVersion()) === undefined) throw compilerMissing();
  const from = options.from ?? (process.env.RETHINK_GEN_WHEELS || undefined);
  const { onProgress, signal } = context;
  await withTemporaryFolder(dir, 'engine', async (staging) => {
    const downloads = join(staging, '.wheels');
    requireSpace(staging, SPACE_NEEDED[options.variant]);
    context.note?.(
      `Installing TensorFlow ${TENSORFLOW_VERSION} (${options.variant}) into ${dir}, from ${from ?? 'PyPI'}; this happens once.`,
    );
    const wheels = await obtainWheels(options.variant, { from, into: downloads }, context);
    const files: string[] = [];
    for (const { path } of wheels) {
      const wheel = { select: selectFile, into: staging, onProgress, signal };
      files.push(...(await extractWheel(path, wheel)));
    }
    await writeManifest(
      staging,
      files,
      wheels.map(({ path, sha256 }) => ({ file: basename(path), sha256 })),
    );
    await rm(downloads, { recursive: true, force: true });
    replaceFolder(staging, dir);
  });
}

/** Compiles the addon: also after an upgrade of the npm package, without another download. */
async function makeAddon({ dir, addon }: Installation, context: EngineContext): Promise<void> {
  context.onProgress?.({ what: 'compiling the addon', done: 0, total: 0, unit: 'steps' });
  await withTemporaryFolder(addon, 'engine', async (folder) => {
    const built = join(folder, basename(addon));
    await buildAddon(dir, built, context.signal);
    renameDurably(built, addon);
  });
}
