import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { program, SCRIPTS, start } from './helpers.js';

describe('smoke.sh', () => {
  it('asks for what a run should reach, and hands its verdict on', async () => {
    const folder = temporaryFolder();
    const command = program(
      join(folder, 'rethink-gen'),
      '#!/bin/sh\nprintf "%s\\n" "$@"\ntouch "$4/seen"\nexit 1\n',
    );
    const { code, stdout } = await start(join(SCRIPTS, 'smoke.sh'), ['engine.name=wasm'], {
      env: { PATH: process.env.PATH, RETHINK_GEN: command },
    }).ended;
    expect(code).toBe(1);
    const [, config, , out, ...rest] = stdout.trimEnd().split('\n');
    expect(resolve(config!)).toBe(resolve(SCRIPTS, '../configs/smoke.json'));
    expect(rest).toEqual([
      '--quiet',
      '--expect',
      'train_accuracy>=0.95',
      '--expect',
      'test_accuracy<=0.25',
      'engine.name=wasm',
    ]);
    // Nothing is left behind.
    expect(existsSync(out!)).toBe(false);
  });
});
