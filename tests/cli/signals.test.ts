import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { listenForInterruption } from '../../src/cli/watch/signals.js';
import { isInterruption, RethinkError } from '../../src/errors.js';
import { CHECKPOINT_SIGNALS } from '../../src/machine/signals.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { Captured } from './helpers.js';

/** A run that is stuck in a call that never gives the event loop back, as a native one can be. */
const STUCK = `
import { listenForInterruption } from ${JSON.stringify(fileURLToPath(new URL('../../src/cli/watch/signals.ts', import.meta.url)))};
const { signal } = listenForInterruption({ stdout: process.stdout, stderr: process.stderr });
signal.addEventListener('abort', () => setTimeout(() => {
  process.stdout.write('stuck');
  for (;;);
}, 50));
setInterval(() => {}, 1000);
process.stdout.write('ready');
`;

describe('interruption', () => {
  it('leaves a second signal to end the process, even inside a call that never returns', async () => {
    const script = join(temporaryFolder(), 'stuck.mjs');
    const bundled = buildSync({
      stdin: { contents: STUCK, resolveDir: '.', loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
    });
    writeFileSync(script, bundled.outputFiles[0]!.contents);
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said === 'ready' || said === 'readystuck') child.kill('SIGINT');
    }
    expect(said).toBe('readystuck');
    expect(await ended).toEqual([null, 'SIGINT']);
  });

  it.each(CHECKPOINT_SIGNALS)(
    'leaves %s to ask for checkpoints, also while a run is being stopped',
    (ask) => {
      const interruption = listenForInterruption({
        stdout: new Captured(),
        stderr: new Captured(),
      });
      process.emit(ask);
      expect([interruption.checkpointRequests.count, interruption.signal.aborted]).toEqual([
        1,
        false,
      ]);
      process.emit('SIGTERM');
      process.emit(ask);
      expect([interruption.checkpointRequests.count, interruption.exitCode()]).toEqual([2, 143]);
      interruption.dispose();
      expect(process.listenerCount(ask)).toBe(0);
    },
  );

  it('stops quietly when the reader has gone', () => {
    const stdout = new Captured();
    const stderr = new Captured();
    const interruption = listenForInterruption({ stdout, stderr });
    expect(interruption.exitCode()).toBeUndefined();
    stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(interruption.signal.aborted).toBe(true);
    expect([interruption.exitCode(), stderr.text]).toEqual([141, '']);
    expect(stdout.listenerCount('error')).toBe(0);
  });

  it('is an error where the results can’t be written', () => {
    const stdout = new Captured();
    const interruption = listenForInterruption({ stdout, stderr: new Captured() });
    stdout.emit('error', Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }));
    expect([interruption.signal.aborted, interruption.exitCode()]).toEqual([true, 1]);
    interruption.dispose();
  });

  it('is told from other errors', () => {
    expect(isInterruption(new RethinkError('interrupted', 'x'))).toBe(true);
    expect(isInterruption(new DOMException('x', 'AbortError'))).toBe(true);
    expect(isInterruption(new RethinkError('failed', 'x'))).toBe(false);
    expect(isInterruption('AbortError')).toBe(false);
  });
});
