import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/build.mjs';
import { vendor } from '../../scripts/vendor.mjs';

/** What the sources need of dist, also where one file of tests is run in a checkout that isn't built. */
export async function setup() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await vendor(join(root, 'dist'));
  await bundleClient(root, join(root, 'dist'));
}
