import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A user id that no system has an entry for, where this process may take it on: as in a container. */
const STRANGER = process.getuid?.() === 0 ? 54_321 : undefined;
const UID = STRANGER ?? process.getuid?.() ?? -1;
const NAME = `rethink-gen-${UID}`;

let script = '';
let folder = '';
let temporary = '';
beforeAll(async () => {
  const built = temporaryFolder();
  chmodSync(built, 0o755);
  script = join(built, 'child.mjs');
  const module = fileURLToPath(new URL('../../src/machine/cache-folder.ts', import.meta.url));
  await build({
    stdin: {
      contents: `import { cacheRoot, onTemporaryCache } from ${JSON.stringify(module)};
        const told = []; onTemporaryCache((sentence) => told.push(sentence));
        let root; try { root = cacheRoot(); cacheRoot(); } catch (error) { root = error.message; }
        process.stdout.write(JSON.stringify({ root, told: told.length }));`,
      resolveDir: '.',
      loader: 'ts',
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
});
beforeEach(() => {
  folder = temporaryFolder();
  temporary = join(folder, 'temporary');
  mkdirSync(temporary);
  chmodSync(folder, 0o755);
  chmodSync(temporary, 0o777);
});

/** What a process of that user, with this environment and no other, takes for its cache folder. */
function ask(env: Record<string, string>): { root: string; told: number } {
  const { stdout, stderr } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    env: { TMPDIR: temporary, ...env },
    cwd: folder,
    ...(STRANGER === undefined ? {} : { uid: STRANGER, gid: STRANGER }),
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { root: string; told: number };
}

const hasEntry = STRANGER === undefined;

describe('the cache folder of a user without a home', () => {
  it.skipIf(hasEntry).each([
    ['no HOME', {}],
    ['an empty HOME', { HOME: '' }],
    ['a relative HOME', { HOME: 'here' }],
    ['a HOME that is not there, below a folder of root', { HOME: '/nonexistent' }],
    ['the HOME of a container without a user', { HOME: '/' }],
    ['the HOME of root', { HOME: '/root' }],
    ['a HOME that is a file', { HOME: '/etc/passwd' }],
    ['a relative XDG_CACHE_HOME', { XDG_CACHE_HOME: 'here' }],
  ] as [string, Record<string, string>][])(
    '%s: is among the temporary files, its own and told once',
    (_what, env) => {
      const root = join(temporary, NAME);
      expect(ask(env)).toEqual({ root, told: 1 });
      const { mode, uid } = lstatSync(root);
      expect([mode & 0o777, uid]).toEqual([0o700, UID]);
      // Found again.
      expect(ask(env)).toEqual({ root, told: 1 });
    },
  );

  it('is that of HOME where it can be written to, or holds what an image brought', () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    chmodSync(home, 0o777);
    const root = join(home, '.cache/rethink-gen');
    expect(ask({ HOME: home })).toEqual({ root, told: 0 });
    mkdirSync(root, { recursive: true });
    chmodSync(root, 0o555);
    chmodSync(home, 0o555);
    expect(ask({ HOME: home })).toEqual({ root, told: 0 });
  });

  it('is that of XDG_CACHE_HOME, whatever it is', () => {
    expect(ask({ XDG_CACHE_HOME: '/proc/no' })).toEqual({ root: '/proc/no/rethink-gen', told: 0 });
  });

  it('is elsewhere where TMPDIR is missing', () => {
    const { root } = ask({ HOME: '/proc/none', TMPDIR: join(folder, 'none') });
    expect(['/tmp', '/var/tmp'].map((parent) => join(parent, NAME))).toContain(root);
    rmSync(root, { recursive: true, force: true });
  });

  it.each([
    ["somebody else's", (path: string) => mkdirSync(path, { mode: 0o777 }), STRANGER === undefined],
    [
      'open to others',
      (path: string) => {
        mkdirSync(path);
        chmodSync(path, 0o777);
      },
      false,
    ],
    ['a link', (path: string) => symlinkSync('/', path), false],
  ])('is refused where that name is %s', (_whose, take, skipped) => {
    if (skipped) return;
    take(join(temporary, NAME));
    expect(ask({ HOME: '/proc/none' }).root).toMatch(/ is not this user's alone/);
  });
});
