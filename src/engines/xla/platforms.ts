import { existsSync } from 'node:fs';
import { orList } from '../../config/problems.js';
import { RethinkError } from '../../errors.js';
import { gpuMemoryShare } from '../../machine/gpu.js';
import { CPU_TARGET, GPU_TARGET, type Target } from './lower/target.js';
import type { PluginOptions } from './pjrt/named-values.js';

/** What is known of the devices that a plugin computes on. */
export interface PlatformRow {
  /** How a plugin's file is called. */
  pattern: RegExp;
  /** Forms of operations that suit them. */
  target: Target;
  /** Options of the plugin's client. */
  options(): PluginOptions;
  /** What the system has where there is such a device, one or the other; empty: the plugin says itself that there is none. */
  nodes: readonly string[];
  /** Whether XLA's text of a compiled program tells the kernels of a step. */
  kernels: boolean;
  /** Whether nobody has seen yet that it computes what it should. */
  experimental: boolean;
}

/** A GPU's memory grows rather than being taken at once, three quarters of it: several runs may share a GPU. */
function gpuOptions(): PluginOptions {
  const share = gpuMemoryShare();
  return { preallocate: false, ...(share === undefined ? {} : { memory_fraction: share }) };
}

const noOptions = (): PluginOptions => ({});

/** One row for each, accelerators first; a plugin is of the first whose pattern its file's name fits. */
export const PLATFORMS = {
  cuda: {
    pattern: /cuda|gpu/i,
    target: GPU_TARGET,
    options: gpuOptions,
    nodes: [],
    kernels: true,
    experimental: false,
  },
  rocm: {
    pattern: /rocm/i,
    target: GPU_TARGET,
    options: gpuOptions,
    nodes: ['/dev/kfd'],
    kernels: true,
    experimental: true,
  },
  tpu: {
    pattern: /tpu/i,
    target: GPU_TARGET,
    options: noOptions,
    // Without one libtpu would ask the network for it, for minutes.
    nodes: ['/dev/accel0', '/dev/vfio/0'],
    kernels: false,
    experimental: true,
  },
  cpu: {
    pattern: /cpu/i,
    target: CPU_TARGET,
    options: noOptions,
    nodes: [],
    kernels: false,
    experimental: false,
  },
  other: {
    pattern: /./,
    // Plain forms of operations: every compiler should know them.
    target: CPU_TARGET,
    options: noOptions,
    nodes: [],
    kernels: false,
    experimental: true,
  },
} as const satisfies Record<string, PlatformRow>;

export type Platform = keyof typeof PLATFORMS;
/** Accelerators first. */
export const PLATFORM_NAMES = Object.keys(PLATFORMS) as Platform[];

/** @param name of a plugin's file */
export function platformOf(name: string): Platform {
  return PLATFORM_NAMES.find((platform) => PLATFORMS[platform].pattern.test(name))!;
}

/** @throws RethinkError (`failed`) where this machine has no device of a platform. @param path of its plugin */
export function requireHardware(platform: Platform, path: string): void {
  const nodes: readonly string[] = PLATFORMS[platform].nodes;
  if (nodes.length === 0 || nodes.some((node) => existsSync(node))) return;
  throw new RethinkError(
    'failed',
    `The plugin ${path} is for a device that isn't here: there is no ${orList(nodes)}.`,
    { hint: 'Choose --engine tensorflow, or a plugin for a device of this machine.' },
  );
}
