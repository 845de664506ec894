import { ENGINES, type EngineName } from '../config/engines.js';
import type { EngineKind } from './kind.js';
import { tensorflow } from './tensorflow/entry.js';
import { wasm } from './wasm/entry.js';
import { xla } from './xla/entry.js';

/** What is known of each engine. */
export const ENGINE_KINDS: Record<EngineName, EngineKind> = { tensorflow, xla, wasm };

const AUTO_ORDER: EngineKind['auto'][] = ['gpu', 'any', 'last'];

/** All engines in the order in which `auto` prefers them. */
export const ENGINES_BY_PREFERENCE: readonly EngineName[] = AUTO_ORDER.flatMap((auto) =>
  ENGINES.filter((name) => ENGINE_KINDS[name].auto === auto),
);

/** Engines that compile for a device that isn't there, and the devices. */
export const CHECKED_ENGINES = ENGINES.filter((name) => ENGINE_KINDS[name].check !== null);
export const CHECK_TARGETS = CHECKED_ENGINES.flatMap((name) => ENGINE_KINDS[name].check!.targets);
