import type { PjrtApi } from './api.js';

/** A client's device, as those see it that live on it. */
export interface Device {
  readonly api: PjrtApi;
  /** Of the client. */
  readonly handle: bigint;
  readonly device: bigint;
  /** What has not been freed yet. */
  readonly alive: Set<Resource>;
}

/** What lives on a device until it is destroyed. */
export abstract class Resource {
  constructor(
    protected readonly client: Device,
    readonly handle: bigint,
  ) {
    client.alive.add(this);
  }

  /** Frees the handle, and the memory unless a program took it over. Safe to call twice. */
  destroy(): void {
    if (this.client.alive.delete(this)) this.free();
  }

  protected abstract free(): void;
}
