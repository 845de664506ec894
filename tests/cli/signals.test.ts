import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it, vi } from 'vitest';
import { reportError } from '../../src/cli/show/errors.js';
import { interruptible, listenForInterruption } from '../../src/cli/watch/signals.js';
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

  const streams = () => ({ stdout: new Captured(), stderr: new Captured() });
  const lost = (code: string) => Object.assign(new Error(`write ${code}`), { code });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGXCPU', 152],
  ] as const)(
    'by %s ends what can be interrupted, with a sentence and its exit code',
    async (name, exitCode) => {
      const before = process.listenerCount(name);
      const context = streams();
      const work = (signal: AbortSignal) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      const ended = interruptible(context, work);
      process.emit(name);
      await expect(ended).rejects.toMatchObject({ kind: 'interrupted', exitCode });
      expect(context.stderr.text).toBe('\nStopping; a second signal stops at once.\n');
      expect(process.listenerCount(name)).toBe(before);
    },
  );

  it('does not wait for what can not be stopped', async () => {
    vi.useFakeTimers();
    try {
      const ended = interruptible(streams(), () => new Promise<never>(() => {}));
      process.emit('SIGINT');
      const told = expect(ended).rejects.toMatchObject({ kind: 'interrupted', exitCode: 130 });
      await vi.advanceTimersByTimeAsync(5000);
      await told;
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([
    ['EPIPE', 141],
    ['ENOSPC', 1],
  ])('by results that are lost (%s) is told by the exit code alone', async (code, exitCode) => {
    const context = streams();
    const doing = interruptible(context, async (signal) => {
      context.stdout.emit('error', lost(code));
      expect(signal.aborted).toBe(true);
    });
    const error: unknown = await doing.catch((thrown: unknown) => thrown);
    expect(reportError(error, { stderr: context.stderr, env: {} })).toBe(exitCode);
    expect(context.stderr.text).toBe('');
  });

  it('leaves errors, and what comes to its end, as they are', async () => {
    await expect(interruptible(streams(), async () => 7)).resolves.toBe(7);
    const failing = interruptible(streams(), () => Promise.reject(new RethinkError('data', 'x')));
    await expect(failing).rejects.toMatchObject({ kind: 'data' });
  });

  it('is told from other errors', () => {
    expect(isInterruption(new RethinkError('interrupted', 'x'))).toBe(true);
    expect(isInterruption(new DOMException('x', 'AbortError'))).toBe(true);
    expect(isInterruption(new RethinkError('failed', 'x'))).toBe(false);
    expect(isInterruption('AbortError')).toBe(false);
  });
});
