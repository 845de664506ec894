import { appendFileSync } from 'node:fs';
import { messageOf } from '../../src/errors.js';
import { setWriteHook } from '../../src/record/files.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { META, trainInto } from './fake-run.js';

/** `crash ROOT N`: a run that is killed just before its N-th change of the disk, in the middle of it if it is a write. */
function crash(root: string, killAt: number): void {
  let boundaries = 0;
  setWriteHook(({ operation, path, bytes }) => {
    if (++boundaries < killAt) return;
    if (operation === 'write' && bytes !== undefined) {
      appendFileSync(path, bytes.subarray(0, bytes.byteLength / 2));
    }
    process.kill(process.pid, 'SIGKILL');
  });
  const config = { name: 'crash', seed: 1 };
  trainInto(RunDirectory.create(root, 'crash', META.configHash, { config }));
}

/** `take RUN_DIR`: tries to take it at a word on stdin, says how that went, and keeps it until stdin ends. */
function take(runDir: string): void {
  process.stdin.once('data', () => {
    try {
      RunDirectory.open(runDir);
      process.stdout.write('won\n');
    } catch (error) {
      process.stdout.write(`lost: ${messageOf(error)}\n`);
    }
  });
  process.stdin.on('end', () => process.exit(0));
}

const [mode, path = '', n = '0'] = process.argv.slice(2);
if (mode === 'crash') crash(path, Number(n));
else take(path);
