import { RethinkError } from '../../errors.js';
import { visibleGpus } from '../../machine/gpu.js';
import { type EngineContext, mayInstall } from '../install/context.js';
import { installXla, variantFor } from './install.js';
import { findPlugins, PLUGIN_VARIABLE, type XlaPlugin } from './plugin.js';

/** A plugin for the best device that this machine has; never the CPU's where there is a GPU. */
export async function obtainPlugin(context: EngineContext): Promise<XlaPlugin> {
  const gpus = await visibleGpus();
  const found = await findPlugins();
  const cuda = gpus.length > 0;
  // One that a person named is used whatever it is for; else CUDA's where there is a GPU for it, and only there.
  const usable = found.find(({ named, platform }) => named || (platform === 'cuda') === cuda);
  if (usable !== undefined) return usable;
  const variant = variantFor(gpus[0]?.driver);
  if (!mayInstall(context)) {
    throw new RethinkError(
      'failed',
      "The engine xla isn't installed, and installing is forbidden.",
      {
        hint: `Run rethink-gen engine install xla --${variant}, or name a plugin in ${PLUGIN_VARIABLE}.`,
      },
    );
  }
  return await installXla({ variant }, context);
}
