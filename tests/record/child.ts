import { appendFileSync, cpSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setWriteHook } from '../../src/disk/files.js';
import { messageOf } from '../../src/errors.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { META, trainInto } from './fake-run.js';

/** What a process killed in the middle of a write leaves of it. */
function tear(path: string, bytes: Uint8Array): void {
  appendFileSync(path, bytes.subarray(0, bytes.byteLength / 2));
}

function run(root: string): void {
  trainInto(RunDirectory.create(root, 'crash', META.configHash, { config: { seed: 1 } }));
}

/** `crash ROOT N`: a run that is killed just before its N-th change of the disk, in the middle of it if it is a write. */
function crash(root: string, killAt: number): void {
  let boundaries = 0;
  setWriteHook(({ path, bytes }) => {
    if (++boundaries < killAt) return;
    if (bytes !== undefined) tear(path, bytes);
    process.kill(process.pid, 'SIGKILL');
  });
  run(root);
}

/** `copy ROOT COPIES`: a run that puts what it would leave if killed there, at each boundary, under COPIES/1, 2, … */
function copy(root: string, copies: string): void {
  let boundaries = 0;
  setWriteHook(({ path, bytes }) => {
    const to = join(copies, String(++boundaries));
    cpSync(root, to, { recursive: true });
    if (bytes !== undefined) tear(join(to, relative(root, path)), bytes);
  });
  run(root);
}

/** `take RUN_DIR`: tries to take it at a word on stdin, says how that went, and keeps it until stdin ends. */
function take(runDir: string): void {
  process.stdin.once('data', async () => {
    try {
      await RunDirectory.open(runDir);
      process.stdout.write('won\n');
    } catch (error) {
      process.stdout.write(`lost: ${messageOf(error)}\n`);
    }
  });
  process.stdin.on('end', () => process.exit(0));
}

const [mode, path = '', argument = ''] = process.argv.slice(2);
if (mode === 'crash') crash(path, Number(argument));
else if (mode === 'copy') copy(path, argument);
else take(path);
