import { writeSync } from 'node:fs';
import { packImages } from '../../../src/data/shards/pack.js';
import { messageOf } from '../../../src/errors.js';
import type { Preparing } from '../../../src/progress.js';

/** `DIR OUT`: packs at a word on stdin, says whether it got the folder, and keeps it until it is killed. */
const [dir = '', out = ''] = process.argv.slice(2);
process.stdin.once('data', async () => {
  try {
    await packImages({ data: { name: 'imagetree', dir }, out, size: 8, onProgress: wait });
  } catch (error) {
    writeSync(1, `lost: ${messageOf(error)}\n`);
  }
});

/** The first word of packing comes from who has the lock. */
function wait({ what }: Preparing): void {
  if (!what.startsWith('packing')) return;
  writeSync(1, 'won\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
