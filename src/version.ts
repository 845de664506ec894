import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Version of rethink-gen. */
export const version = manifest.version;

/** Packages that were bundled into dist: a consumer has them there and nowhere else. */
const BUNDLED: Record<string, string> = {
  '@tensorflow/tfjs-node-gpu': '#tfjs-node/package.json',
};

/**
 * Version of an installed npm package, or of a bundled one.
 *
 * @throws Error where it isn't installed, or does not let its manifest be read.
 */
export function packageVersion(name: string): string {
  return (require(BUNDLED[name] ?? `${name}/package.json`) as { version: string }).version;
}
