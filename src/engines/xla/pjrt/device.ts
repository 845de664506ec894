import type { PjrtApi } from './api.js';

/** A client's devices, as those see them that live on them. */
export interface Device {
  readonly api: PjrtApi;
  /** Of the client. */
  readonly handle: bigint;
  /** Programs run on all of these at once. */
  readonly devices: readonly bigint[];
  /** What has not been freed yet. */
  readonly alive: Set<Resource>;
}

/** What lives on devices until it is destroyed. */
export abstract class Resource {
  constructor(protected readonly client: Device) {
    client.alive.add(this);
  }

  /** Frees its handles, and the memory unless a program took it over. Safe to call twice. */
  destroy(): void {
    if (this.client.alive.delete(this)) this.free();
  }

  protected abstract free(): void;
}
