import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deviceTypes } from '../../src/engines/tensorflow/c-api.js';
import { findUsable } from '../../src/engines/tensorflow/status.js';
import { runTypeScript } from '../helpers/child.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { engine, skipped } = await ensureTensorflow();

/** The environment of a machine without a C++ compiler, whose cache folder has TensorFlow's libraries and no addon. */
async function bareMachine(): Promise<Record<string, string | undefined>> {
  const { dir } = (await findUsable())!;
  const [cache, programs] = [temporaryFolder(), temporaryFolder()];
  const engines = join(cache, 'rethink-gen', 'engines', basename(dir));
  mkdirSync(engines, { recursive: true });
  for (const name of readdirSync(dir).filter((name) => !name.endsWith('.node'))) {
    symlinkSync(join(dir, name), join(engines, name));
  }
  return { XDG_CACHE_HOME: cache, PATH: programs, CXX: undefined };
}

const load = (form: 'compiled' | 'eager', env: Record<string, string | undefined>) =>
  runTypeScript('tests/engines/child-load.ts', { args: [form], env });

describe.skipIf(engine?.info.device !== 'cpu')(`TensorFlow without its addon${skipped}`, () => {
  it('trains compiled, without a word', async () => {
    const { code, stdout, stderr } = await load('compiled', await bareMachine());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ own_ops: false, finite: [1, 1], mode: 'compiled' });
  });

  it('does not run op by op, and says how it would', async () => {
    const { code, stderr } = await load('eager', await bareMachine());
    expect(code).not.toBe(0);
    expect(stderr).toContain("engine.eager=true needs TensorFlow's addon, which is not in");
    expect(stderr).toContain('g++');
  });

  it('goes without the addon where a compiler is there that can’t build it', async () => {
    const CXX = join(temporaryFolder(), 'old-g++');
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && echo 4.8 && exit\necho "no C++17" >&2; exit 1\n';
    writeFileSync(CXX, script, { mode: 0o755 });
    const { code, stdout } = await load('compiled', { ...(await bareMachine()), CXX });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ own_ops: false, finite: [1, 1] });
    const eager = await load('eager', { ...(await bareMachine()), CXX });
    expect(eager.code).not.toBe(0);
    expect(eager.stderr).toContain("couldn't build TensorFlow's addon: no C++17");
  });

  it('compiled has our own operations where the addon is there', async () => {
    const { code, stdout, stderr } = await load('compiled', {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ own_ops: true, finite: [1, 1], mode: 'compiled' });
  });

  it('tells what it computes on', () => expect(deviceTypes()).toEqual(['CPU']));
});
