import { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { findPlugins, type XlaPlugin } from '../../src/engines/xla/plugin.js';

/** The CPU plugin that the xla tests run on, or the reason why there is none. */
export async function cpuPlugin(): Promise<{ plugin?: XlaPlugin; reason: string }> {
  const plugin = (await findPlugins()).find(({ platform }) => platform === 'cpu');
  return plugin
    ? { plugin, reason: '' }
    : { reason: ' (skipped: no CPU plugin; rethink-gen engine install xla --cpu)' };
}

export async function cpuClient(plugin: XlaPlugin | undefined): Promise<PjrtClient> {
  if (plugin === undefined) throw new Error('no CPU plugin');
  return await PjrtClient.create(plugin.path);
}
