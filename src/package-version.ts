import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * Version of an installed npm package.
 *
 * @throws Error where it isn't installed, or does not let its manifest be read.
 */
export function packageVersion(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version;
}
