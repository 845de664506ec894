import { listGpus } from '../../machine/gpu.js';
import { fileIdentity, findNvidia, openForAll } from '../native/nvidia.js';
import { packageFolders, type XlaPlugin } from './plugin.js';
import { XLA_VARIANTS } from './wheels.js';

/**
 * Opens those of NVIDIA's libraries that the plugin wouldn't find: pip may have laid them elsewhere, for another package.
 *
 * @returns what tells the versions of the driver and of the libraries, those beside the plugin among them
 */
export async function provideLibraries(plugin: XlaPlugin): Promise<string[]> {
  const { variant, packages } = plugin;
  const driver = (await listGpus())[0]?.driver ?? '';
  if (variant === undefined) return [driver];
  const others = await packageFolders();
  const found = findNvidia(XLA_VARIANTS[variant].libraries, packages, others);
  for (const { path, foreign } of found) {
    if (!foreign) continue;
    try {
      openForAll(path);
    } catch {
      // One that doesn't fit: where it is needed, the plugin says what it lacks.
    }
  }
  return [driver, ...found.map(({ path }) => fileIdentity(path))];
}
