import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { engineDir } from '../../machine/cache-folder.js';
import { inspectInstalled } from '../install/manifest.js';
import { addonName } from './addon.js';
import { OLDER_DIGESTS, TENSORFLOW_VERSION, type Variant } from './wheels.js';

/** A complete TensorFlow in the cache folder. */
export interface Installation {
  variant: Variant;
  version: string;
  dir: string;
  /** Unpacked files, relative to `dir`. */
  files: string[];
  wheels: { file: string; sha256: string }[];
  /** tfjs' addon for these libraries; it may have to be built. */
  addon: string;
}

/** Where a variant is installed: the name says all that makes two installations differ. */
export function installationDir(variant: Variant): string {
  return engineDir(`tensorflow-${TENSORFLOW_VERSION}-${variant}`);
}

const inspect = (variant: Variant) =>
  inspectInstalled(installationDir(variant), { digests: OLDER_DIGESTS[variant] });

/** The installation of a variant, if it is there and its files are what they were: disks and people damage files. */
export async function findInstallation(variant: Variant): Promise<Installation | undefined> {
  const found = await inspect(variant);
  if (found.state !== 'whole' || found.manifest.tensorflow !== TENSORFLOW_VERSION) return undefined;
  const dir = installationDir(variant);
  const { files, wheels } = found;
  const addon = join(dir, addonName());
  return { variant, version: TENSORFLOW_VERSION, dir, files, wheels, addon };
}

/** A file of an installation that is there and isn't what it was; `undefined` where there is none. */
export async function damagedFile(variant: Variant): Promise<string | undefined> {
  const found = await inspect(variant);
  return found.state === 'damaged' ? found.file : undefined;
}

/** Whether the addon is there: after an upgrade of the npm package the old one does not count. */
export async function hasAddon({ addon }: Installation): Promise<boolean> {
  return access(addon).then(
    () => true,
    () => false,
  );
}
