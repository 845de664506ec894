import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';

export interface ChildResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Bundles a TypeScript file of this repository so that a plain Node can run it. */
export async function bundle(entry: string): Promise<{ script: string; remove(): Promise<void> }> {
  // Below node_modules, where the bundle finds the packages it imports.
  const folder = resolve('node_modules/.cache/rethink-gen-tests');
  await mkdir(folder, { recursive: true });
  // One up from the bundle, as from src: there the version is read, and what was bundled is found. They are there already from the second time on.
  for (const name of ['package.json', 'dist']) {
    await symlink(resolve(name), join(folder, '..', name)).catch(() => {});
  }
  const outfile = join(folder, `${basename(entry, '.ts')}-${randomUUID()}.mjs`);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    external: ['#*'],
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return { script: outfile, remove: () => rm(outfile) };
}

/** Runs a TypeScript file of this repository in a process of its own, to its end. */
export async function runTypeScript(
  entry: string,
  options: { args?: string[]; env?: Record<string, string | undefined> } = {},
): Promise<ChildResult> {
  const { script, remove } = await bundle(entry);
  const result = await new Promise<ChildResult>((done) => {
    execFile(
      process.execPath,
      [script, ...(options.args ?? [])],
      { env: { ...process.env, ...options.env }, timeout: 100_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        done({ code, stdout, stderr });
      },
    );
  });
  await remove();
  return result;
}
