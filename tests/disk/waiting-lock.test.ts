import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { setLockTimes } from '../../src/disk/lock.js';
import { thisProcess } from '../../src/disk/process-identity.js';
import { withLock } from '../../src/disk/waiting-lock.js';
import { platformProblem } from '../../src/engines/tensorflow/platform.js';
import { bundle, runTypeScript } from '../helpers/child.js';
import { fakeMachine } from '../helpers/fake-machine.js';

/** A compiler that takes its time, so that installations overlap, and says when it has begun. */
const SLOW_COMPILER = (begun: string, seconds: number) => `#!/bin/sh
[ "$1" = --version ] && { echo fake; exit 0; }
touch "${begun}"; sleep ${seconds}
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo addon > "$2"; shift; done`;

describe.skipIf(platformProblem() !== undefined)('withLock', () => {
  it('lets one in at a time, also within a process', async () => {
    const path = join(fakeMachine().engines, 'test.installing');
    let inside = 0;
    const task = async () => {
      expect(++inside).toBe(1);
      await sleep(20);
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, {}, task)));
    expect(inside).toBe(0);
  });

  it('is free again after a failure, and gives its error', async () => {
    const path = join(fakeMachine().engines, 'test.installing');
    const failing = withLock(path, {}, () => Promise.reject(new Error('inside')));
    await expect(failing).rejects.toThrow('inside');
    expect(await withLock(path, {}, async () => 'free')).toBe('free');
  });

  it('names who holds it, and stops waiting when interrupted', async () => {
    const path = join(fakeMachine().engines, 'test.installing');
    const controller = new AbortController();
    const holders: unknown[] = [];
    await withLock(path, {}, async () => {
      const waiting = withLock(
        path,
        {
          signal: controller.signal,
          onWait: (who) => {
            holders.push(who);
            controller.abort();
          },
        },
        async () => 'entered',
      );
      await expect(waiting).rejects.toMatchObject({ kind: 'interrupted' });
    });
    expect(holders).toEqual([`another process (${process.pid})`]);
  });

  it('goes on after one on another machine that gives no sign of life, and leaves one that does', async () => {
    const folder = join(fakeMachine().engines, 'test.installing');
    const lock = join(folder, 'lock');
    mkdirSync(lock, { recursive: true });
    const path = join(lock, '00000000-0000-4000-8000-000000000000.json');
    const elsewhere = { ...thisProcess(), host: 'node-a.example', beats: true };
    writeFileSync(path, JSON.stringify(elsewhere));
    setLockTimes({ silence: 300, look: 20 });
    const controller = new AbortController();
    const { signal } = controller;
    const holders: string[] = [];
    const onWait = (who: string) => holders.push(who);
    const beating = setInterval(() => appendFileSync(path, ' '), 20);
    const interrupted = withLock(folder, { onWait, signal }, async () => 'entered');
    setTimeout(() => controller.abort(), 600);
    await expect(interrupted).rejects.toMatchObject({ kind: 'interrupted' });
    clearInterval(beating);
    expect(await withLock(folder, { onWait }, async () => 'entered')).toBe('entered');
    setLockTimes();
    const who = `another process (${process.pid} on node-a.example)`;
    expect(holders).toEqual([who, who]);
  });

  it('makes one of two processes install and the other wait', async () => {
    const machine = fakeMachine();
    const begun = join(machine.engines, 'begun.installing');
    vi.stubEnv('CXX', machine.program('slow-g++', SLOW_COMPILER(begun, 1)));
    const children = await Promise.all(
      [1, 2].map(() =>
        runTypeScript('tests/engines/child-install.ts', {
          args: [machine.wheels, JSON.stringify(machine.pinned)],
        }),
      ),
    );
    expect(children.map(({ code }) => code)).toEqual([0, 0]);
    const notes = children.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
    expect(notes.filter((note) => note.startsWith('Installing'))).toHaveLength(1);
    expect(notes.filter((note) => note.startsWith('Waiting for another'))).toHaveLength(1);
    expect(machine.listing()).toEqual(['tensorflow-2.21.0-cpu']);
  });

  it('lets the next in when the holder was killed', async () => {
    const machine = fakeMachine();
    const begun = join(machine.engines, 'begun.installing');
    const good = process.env.CXX!;
    vi.stubEnv('CXX', machine.program('slow-g++', SLOW_COMPILER(begun, 10)));
    const { script, remove } = await bundle('tests/engines/child-install.ts');
    const child = spawn(
      process.execPath,
      [script, machine.wheels, JSON.stringify(machine.pinned)],
      { stdio: 'ignore' },
    );
    while (!existsSync(begun)) await sleep(20);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await remove();
    vi.stubEnv('CXX', good);
    const next = await runTypeScript('tests/engines/child-install.ts', {
      args: [machine.wheels, JSON.stringify(machine.pinned)],
    });
    expect(next.code).toBe(0);
    expect(machine.listing()).toEqual(['tensorflow-2.21.0-cpu']);
    const files = readdirSync(join(machine.engines, 'tensorflow-2.21.0-cpu'));
    expect(files.filter((name) => name.includes('.tmp'))).toEqual([]);
  });
});
