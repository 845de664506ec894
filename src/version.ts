import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Version of rethink-gen. */
export const version = manifest.version;

/**
 * Version of an installed npm package.
 *
 * @throws Error where it isn't installed, or does not let its manifest be read.
 */
export function packageVersion(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version;
}
