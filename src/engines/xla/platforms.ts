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
    kernels: true,
    experimental: false,
  },
  rocm: {
    pattern: /rocm/i,
    target: GPU_TARGET,
    options: gpuOptions,
    kernels: true,
    experimental: true,
  },
  tpu: {
    pattern: /tpu/i,
    target: GPU_TARGET,
    options: noOptions,
    kernels: false,
    experimental: true,
  },
  cpu: {
    pattern: /cpu/i,
    target: CPU_TARGET,
    options: noOptions,
    kernels: false,
    experimental: false,
  },
  other: {
    pattern: /./,
    // Plain forms of operations: every compiler should know them.
    target: CPU_TARGET,
    options: noOptions,
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
