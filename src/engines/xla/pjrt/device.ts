import type { PjrtApi } from './api.js';

/** What a client counts as alive, so that it can be freed in order. */
export interface Resource {
  destroy(): void;
}

/** A client's device, as those see it that live on it. */
export interface Device {
  readonly api: PjrtApi;
  /** Of the client. */
  readonly handle: bigint;
  readonly device: bigint;
  adoptBuffer(buffer: Resource): void;
  adoptExecutable(executable: Resource): void;
  /** Counts a resource as freed. */
  forget(resource: Resource): void;
}
