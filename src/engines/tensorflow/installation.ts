import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { engineDir } from '../../machine/cache-folder.js';
import { addonName } from './addon.js';
import { TENSORFLOW_VERSION, type Variant } from './wheels.js';

const MANIFEST = 'manifest.json';

const manifestSchema = z.object({
  tensorflow: z.string(),
  wheels: z.array(z.object({ file: z.string(), sha256: z.string() })),
  /** Size of each unpacked file, in bytes, by path. */
  files: z.record(z.string(), z.number()),
});
type Manifest = z.infer<typeof manifestSchema>;

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

/**
 * The installation of a variant, if it is there and whole. A manifest is written last, before the folder gets its
 * name; sizes are compared because disks and people damage files.
 */
export async function findInstallation(variant: Variant): Promise<Installation | undefined> {
  const dir = installationDir(variant);
  const manifest = await readManifest(dir);
  if (manifest?.tensorflow !== TENSORFLOW_VERSION) return undefined;
  const files = Object.entries(manifest.files);
  const whole = await Promise.all(
    files.map(async ([f, size]) => (await sizeOf(join(dir, f))) === size),
  );
  if (!whole.every(Boolean)) return undefined;
  return {
    variant,
    version: manifest.tensorflow,
    dir,
    files: files.map(([file]) => file),
    wheels: manifest.wheels,
    addon: join(dir, addonName()),
  };
}

/** Whether the addon is there: after an upgrade of the npm package the old one does not count. */
export async function hasAddon({ addon }: Installation): Promise<boolean> {
  return access(addon).then(
    () => true,
    () => false,
  );
}

/** Writes the manifest of the files in `dir`. */
export async function writeManifest(
  dir: string,
  files: string[],
  wheels: Manifest['wheels'],
): Promise<void> {
  const sizes = await Promise.all(files.map(async (f) => [f, await sizeOf(join(dir, f))] as const));
  const manifest = { tensorflow: TENSORFLOW_VERSION, wheels, files: Object.fromEntries(sizes) };
  await writeFile(join(dir, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, {
    flush: true,
  });
}

async function readManifest(dir: string): Promise<Manifest | undefined> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(dir, MANIFEST), 'utf8')));
  } catch {
    // Absent, damaged or of another version of this program: all mean that it has to be installed.
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
