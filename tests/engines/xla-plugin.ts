import { installXla } from '../../src/engines/xla/install.js';
import { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { findPlugins, type XlaPlugin } from '../../src/engines/xla/plugin.js';
import { messageOf } from '../../src/errors.js';

/** The CPU plugin that the xla tests run on, fetched if need be, or the reason why there is none. */
export async function cpuPlugin(): Promise<{ plugin?: XlaPlugin; reason: string }> {
  try {
    const found = (await findPlugins()).find(({ platform }) => platform === 'cpu');
    if (found !== undefined) return { plugin: found, reason: '' };
    if (process.env.RETHINK_GEN_NO_INSTALL) throw new Error('RETHINK_GEN_NO_INSTALL is set');
    return { plugin: await installXla({ variant: 'cpu' }, {}), reason: '' };
  } catch (error) {
    return { reason: ` (skipped, no CPU plugin: ${messageOf(error)})` };
  }
}

export async function cpuClient(plugin: XlaPlugin | undefined): Promise<PjrtClient> {
  if (plugin === undefined) throw new Error('no CPU plugin');
  return await PjrtClient.create(plugin.path);
}
