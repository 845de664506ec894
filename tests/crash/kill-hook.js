/**
 * Preloaded (`node --import`) into a real command line: kills the process at one of its changes of the disk.
 *
 * KILL_AT=N: just before the N-th, in the middle of it if it is a write. BOUNDARIES=FILE: their count, at the end.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { setWriteHook } from '../../dist/disk/files.js';

const killAt = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
let boundaries = 0;

setWriteHook(({ path, bytes }) => {
  if (++boundaries < killAt) return;
  if (bytes !== undefined) appendFileSync(path, bytes.subarray(0, bytes.byteLength / 2));
  process.kill(process.pid, 'SIGKILL');
});
process.on('exit', () => {
  if (process.env.BOUNDARIES) writeFileSync(process.env.BOUNDARIES, String(boundaries));
});
