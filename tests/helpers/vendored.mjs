import { fileURLToPath } from 'node:url';
import { vendor } from '../../scripts/vendor.mjs';

/** What the sources need of dist, also where one file of tests is run in a checkout that isn't built. */
export async function setup() {
  await vendor(fileURLToPath(new URL('../../dist', import.meta.url)));
}
