import type { EngineName } from '../config/engines.js';
import { orList } from '../config/problems.js';
import { RethinkError } from '../errors.js';
import type { EngineInfo, EngineOptions, Program } from './types.js';

/** On what an engine computes, for people: `cpu`, `4 × NVIDIA H200`. */
export function deviceName({
  device,
  devices = 1,
}: Pick<EngineInfo, 'device' | 'devices'>): string {
  return devices > 1 ? `${devices} × ${device}` : device;
}

/**
 * Why an engine that runs on one device refuses `engine.devices`; `all` is that one.
 *
 * @param name Of the engine.
 */
export function refuseDevices(
  name: EngineName,
  devices: EngineOptions['devices'],
): RethinkError | undefined {
  const one = devices === undefined || devices === 'all' || devices === 1;
  return one ? undefined : onOneDevice(name, devices);
}

/** Says that an engine runs on one device and no more. */
export function onOneDevice(name: EngineName, devices: EngineOptions['devices']): RethinkError {
  return new RethinkError(
    'usage',
    `engine.devices is ${devices}, and the engine ${name} trains on one device.`,
    { hint: 'Use engine.name=xla, or leave engine.devices out.' },
  );
}

/**
 * Looks whether devices can have equal shares of every batch.
 *
 * @throws RethinkError (`usage`) naming the nearest batches, and the counts of devices, that would do.
 */
export function requireEqualShares(
  { devices = 1 }: Pick<EngineInfo, 'devices'>,
  { batchSize }: Pick<Program, 'batchSize'>,
): void {
  if (batchSize % devices === 0) return;
  const below = batchSize - (batchSize % devices);
  const batches = [below, below + devices].filter((size) => size > 0);
  const counts = Array.from({ length: devices - 1 }, (_, i) => i + 1).filter(
    (count) => batchSize % count === 0,
  );
  throw new RethinkError(
    'usage',
    `A batch of ${batchSize} images can't be divided equally among ${devices} devices.`,
    {
      hint: `Use train.batchSize=${orList(batches.map(String))} (at most as many as there are training images), or engine.devices=${orList(counts.map(String))}.`,
    },
  );
}
