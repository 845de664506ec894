import { RethinkError } from '../../errors.js';
import type { EngineOptions } from '../types.js';
import type { PjrtClient } from './pjrt/client.js';
import type { XlaPlugin } from './plugin.js';

/** @throws RethinkError (`usage`) where there are fewer devices than asked for: a run has as many as it says. */
export function requireDevices(
  { devices }: PjrtClient,
  { platform }: Pick<XlaPlugin, 'platform'>,
  options: Pick<EngineOptions, 'device' | 'devices'>,
): void {
  const { devices: asked = 1, device: first } = options;
  if (asked === 'all' || devices.length === asked) return;
  const one = devices.length === 1;
  if (platform === 'cpu') {
    const there = one ? 'one device' : `${devices.length} devices`;
    throw new RethinkError('usage', `engine.devices is ${asked}, and the CPU is ${there}.`, {
      hint: `XLA_FLAGS=--xla_force_host_platform_device_count=${asked} divides the CPU: a test of several devices, and no faster.`,
    });
  }
  const there = one ? 'is one' : `are ${devices.length}`;
  throw new RethinkError(
    'usage',
    `engine.devices is ${asked}, and there ${there} from engine.device ${first} on.`,
    {
      hint: 'CUDA_VISIBLE_DEVICES may hide some that nvidia-smi lists; engine.devices=all (or --devices all) takes those that are there.',
    },
  );
}
