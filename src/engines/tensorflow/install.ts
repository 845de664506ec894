import { basename, join } from 'node:path';
import { renameDurably } from '../../disk/files.js';
import { withTemporaryFolder } from '../../disk/folders.js';
import { withLock } from '../../disk/waiting-lock.js';
import { RethinkError } from '../../errors.js';
import type { EngineContext } from '../install/context.js';
import { installWheels } from '../install/install-wheels.js';
import { wheelArch } from '../install/pinned.js';
import { buildAddon, compilerVersion } from './addon.js';
import {
  damagedFile,
  findInstallation,
  hasAddon,
  type Installation,
  installationDir,
} from './installation.js';
import { platformProblem } from './platform.js';
import { PROJECTS, SPACE_NEEDED, selectFile, TENSORFLOW_VERSION, type Variant } from './wheels.js';

export interface InstallOptions {
  variant: Variant;
  /** A folder that holds the wheels; default: `RETHINK_GEN_WHEELS`, else the package index of pip. */
  from?: string | undefined;
  /** Install again what is there already. */
  force?: boolean | undefined;
}

/**
 * Makes sure TensorFlow's libraries are in the cache folder, and tfjs' addon for them where there is a compiler. One process
 * installs, others wait; the folder appears whole or not at all; what an interrupted installation left is removed by the next.
 */
export async function installTensorflow(
  options: InstallOptions,
  context: EngineContext,
): Promise<Installation> {
  const problem = platformProblem(options.variant);
  if (problem !== undefined) {
    throw new RethinkError('failed', `The engine tensorflow can't be installed: ${problem}.`, {
      hint: 'Use the engine wasm, which runs everywhere, if slowly.',
    });
  }
  const existing = options.force ? undefined : await findInstallation(options.variant);
  // Before the lock: an engine on a disk that this user may only read is as good as any.
  if (existing !== undefined && !(await lacksAddon(existing))) return existing;
  const dir = installationDir(options.variant);
  const onWait = (who: string) =>
    context.note?.(`Waiting for ${who} that is installing TensorFlow.`);
  return withLock(`${dir}.installing`, { onWait, signal: context.signal }, async () => {
    const found = options.force ? undefined : await findInstallation(options.variant);
    if (found === undefined) await installFresh(dir, options, context);
    const installed = await findInstallation(options.variant);
    if (installed === undefined) throw new Error(`${dir} isn't whole after its installation`);
    if (await lacksAddon(installed)) {
      await makeAddon(installed, context).catch((error: unknown) => {
        // What was fetched just now is good without it; where it alone was wanted, it failed.
        if (found !== undefined) throw error;
        goOnWithoutAddon(error, context);
      });
    }
    return installed;
  });
}

/** Said behind the reason. */
const WITHOUT_ADDON =
  'TensorFlow runs without its addon: as fast in float32, 0.86× an MLP in bfloat16; engine.eager needs it.';

/** Tells why there is no addon, where that is something a person or a disk did; throws on what ends the installation. */
export function goOnWithoutAddon(error: unknown, { note }: EngineContext): void {
  if (!(error instanceof RethinkError) || error.kind === 'interrupted') throw error;
  note?.(`${error.message} ${WITHOUT_ADDON}`);
}

/** Whether the addon could be there and isn't: without a compiler the engine runs without it. */
async function lacksAddon(installation: Installation): Promise<boolean> {
  return !(await hasAddon(installation)) && (await compilerVersion()) !== undefined;
}

async function installFresh(
  dir: string,
  { variant, from }: InstallOptions,
  context: EngineContext,
): Promise<void> {
  const damaged = await damagedFile(variant);
  if (damaged !== undefined) context.note?.(`${join(dir, damaged)} is damaged.`);
  await installWheels(
    {
      what: `TensorFlow ${TENSORFLOW_VERSION} (${variant})`,
      dir,
      projects: PROJECTS[variant][wheelArch()!] ?? [],
      select: selectFile,
      space: SPACE_NEEDED[variant],
      versions: { tensorflow: TENSORFLOW_VERSION },
      from,
    },
    context,
  );
}

/** Compiles the addon: also after an upgrade of the npm package, without another download. */
export async function makeAddon(
  { dir, addon }: Installation,
  context: EngineContext,
): Promise<void> {
  context.onProgress?.({ what: 'compiling the addon', done: 0, total: 0, unit: 'steps' });
  await withTemporaryFolder(addon, 'engine', async (folder) => {
    const built = join(folder, basename(addon));
    await buildAddon(dir, built, context.signal);
    renameDurably(built, addon);
  });
}
