import type { LauncherKind } from '../../config/launcher.js';
import { kubernetes } from './kubernetes.js';
import { slurm } from './slurm.js';
import type { Scheduler } from './types.js';

export const SCHEDULERS: Record<Exclude<LauncherKind, 'local'>, Scheduler> = { slurm, kubernetes };

/** `null` for trials that run on this machine. */
export function schedulerOf(kind: LauncherKind): Scheduler | null {
  return kind === 'local' ? null : SCHEDULERS[kind];
}
