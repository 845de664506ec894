import type { OnProgress } from '../../progress.js';

/** Who watches an engine being found, installed and loaded, and what they allow. */
export interface EngineContext {
  /** Something a person should know: which engine and why, what is being fetched. */
  note?(message: string): void;
  onProgress?: OnProgress | undefined;
  /** Whether what is missing may be installed (default true; `RETHINK_GEN_NO_INSTALL=1` forbids it always). */
  allowInstall?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /**
   * Whether what is to be run has steps of few, small operations, as the MLP's are: an engine may settle on one thread
   * for each operation. It goes for the whole process, as of the first engine that is loaded.
   */
  shortSteps?: boolean | undefined;
}

/** Whether this process may fetch and write a missing engine. */
export function mayInstall(context: EngineContext): boolean {
  return context.allowInstall !== false && !process.env.RETHINK_GEN_NO_INSTALL;
}
