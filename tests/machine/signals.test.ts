import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { ignoresHangup, onStopSignal, STOP_SIGNALS } from '../../src/machine/signals.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const NAMES = Object.keys(STOP_SIGNALS) as (keyof typeof STOP_SIGNALS)[];

describe('signals that end a run', () => {
  it.each(NAMES)('%s stops once, whatever comes after it, and leaves no listener', (signal) => {
    const before = NAMES.map((name) => process.listenerCount(name));
    const stopped: string[] = [];
    const { dispose } = onStopSignal((cause) => stopped.push(cause), true);
    process.emit(signal);
    // These never end the process, however often they come.
    for (const name of ['SIGHUP', 'SIGHUP', 'SIGXCPU'] as const) {
      expect(process.listenerCount(name)).toBeGreaterThan(0);
      process.emit(name);
    }
    expect(stopped).toEqual([signal]);
    dispose();
    expect(NAMES.map((name) => process.listenerCount(name))).toEqual(before);
  });

  it('are others than SIGHUP where that is to be ignored', () => {
    const stopped: string[] = [];
    const { dispose } = onStopSignal((cause) => stopped.push(cause), false);
    process.emit('SIGHUP');
    process.emit('SIGTERM');
    expect(stopped).toEqual(['SIGTERM']);
    dispose();
  });
});

const NOTHING = { env: {}, parentStatus: 'SigIgn:\t0000000000001000\n', unreadableInput: false };

describe('an ignored SIGHUP', () => {
  it.each([
    ['nothing', {}, false],
    ["the shell's word for nohup", { env: { _: '/usr/bin/nohup' } }, true],
    ['its word for another program', { env: { _: '/usr/bin/nohup-not' } }, false],
    ['a parent that ignores it', { parentStatus: 'SigIgn:\t0000000000001001\n' }, true],
    ['a system without /proc', { parentStatus: '' }, false],
    ["nohup's input", { unreadableInput: true }, true],
  ])('is told by %s', (_by, signs, expected) => {
    expect(ignoresHangup({ ...NOTHING, ...signs })).toBe(expected);
  });

  describe('from a real shell', () => {
    let script = '';
    beforeAll(async () => {
      script = join(temporaryFolder(), 'child.mjs');
      const signals = fileURLToPath(new URL('../../src/machine/signals.ts', import.meta.url));
      await build({
        stdin: {
          contents: `import { ignoresHangup } from ${JSON.stringify(signals)};
            process.stdout.write(String(ignoresHangup())); await new Promise((r) => setTimeout(r, 20));`,
          resolveDir: '.',
          loader: 'ts',
        },
        outfile: script,
        bundle: true,
        platform: 'node',
        format: 'esm',
      });
    });

    it.each([
      ['nohup "$NODE" "$SCRIPT"', 'true'],
      ['nohup "$NODE" "$SCRIPT" & wait', 'true'],
      [`trap '' HUP; "$NODE" "$SCRIPT"; true`, 'true'],
      ['"$NODE" "$SCRIPT" 0>/dev/null', 'true'],
      ['"$NODE" "$SCRIPT" & wait', 'false'],
    ])('%s: %s', async (command, expected) => {
      const child = spawn('bash', ['-c', command], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { PATH: process.env.PATH, NODE: process.execPath, SCRIPT: script },
      });
      let said = '';
      child.stdout.on('data', (text) => {
        said += String(text);
      });
      await once(child, 'close');
      await setTimeout(0);
      expect(said).toBe(expected);
    });
  });
});
