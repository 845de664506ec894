import type { TrackerKind, TrackerPlace } from '../../config/sinks.js';
import { mlflow } from './mlflow.js';
import { trackio } from './trackio.js';
import type { Tracker } from './types.js';

/** How each kind of tracker is spoken to. */
export const TRACKERS: Record<
  TrackerKind,
  (place: TrackerPlace, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined) => Tracker
> = { mlflow, trackio };
