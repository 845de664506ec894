import { hostname } from 'node:os';

/** The name of this machine; some containers have none, or don't tell it. */
export function hostName(): string {
  try {
    return hostname();
  } catch {
    return 'unknown';
  }
}
