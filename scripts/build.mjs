/**
 * Compiles a checkout's `src` to `dist`, beside what scripts/vendor.mjs puts there:
 *
 *   node scripts/build.mjs [--if-stale]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NOT_INSTALLED = `error: this checkout is not built, and what builds it is not installed.
hint: Run npm ci first.`;

/**
 * Compiles `src` to `dist` where that is missing or older. Ends the process where the sources do not compile.
 *
 * @param {string} root The checkout's folder.
 */
export async function buildIfStale(root) {
  const entry = join(root, 'dist', 'cli', 'index.js');
  const built = existsSync(entry) ? statSync(entry).mtimeMs : undefined;
  if (built !== undefined && newestChange(root) <= built) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (existsSync(compiler)) {
    const reason = built === undefined ? 'missing' : 'older';
    console.error(`rethink-gen: compiling src, as dist is ${reason} …`);
  }
  await build(root);
}

/** Compiles beside `dist` and swaps: no process that starts meanwhile sees half of it, and nothing old stays in it. */
export async function build(root) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) fail(NOT_INSTALLED);
  const scratch = join(root, 'node_modules', '.cache', `rethink-gen-${process.pid}`);
  const fresh = join(scratch, 'fresh');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (result.status === 0) {
    const { vendor } = await import('./vendor.mjs');
    await vendor(fresh);
    await bundleMachine(root, fresh);
    await bundleClient(root, fresh);
    swap(fresh, join(root, 'dist'), join(scratch, 'old'));
  }
  rmSync(scratch, { recursive: true, force: true });
  if (result.status !== 0) {
    const said = (result.stdout || result.stderr || String(result.error)).trimEnd();
    fail(`error: src does not compile.\n${said}`);
  }
}

/** The room `machine` once more, as CommonJS: bin asks it for the count of threads before an ES module can be loaded. */
async function bundleMachine(root, dist) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(root, 'src', 'machine', 'machine.ts')],
    outfile: join(dist, 'machine.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
  });
}

/** The program of the report's page and its style sheet, each in one file that is put into the page. */
export async function bundleClient(root, dist) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(root, 'src', 'report', 'client', 'main.ts')],
    outfile: join(dist, 'report', 'client.js'),
    tsconfig: join(root, 'tsconfig.client.json'),
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    // uPlot is MIT: its copyright stays with it.
    banner: { js: '/*! uPlot (c) Leon Sorokin, MIT License: https://github.com/leeoniya/uPlot */' },
  });
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

function swap(fresh, dist, old) {
  mkdirSync(dirname(old), { recursive: true });
  try {
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } catch (error) {
    // Another process that built the same sources was faster: its dist is as good.
    if (!existsSync(join(dist, 'cli', 'index.js'))) throw error;
  }
}

/** Newest change of a source, of the folders (a file was removed) or of what the compiler is told. */
function newestChange(root) {
  const settings = [
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.client.json',
    'scripts/build.mjs',
    'scripts/vendor.mjs',
  ];
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  const paths = sources.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Math.max(
    ...[join(root, 'src'), ...settings.map((name) => join(root, name)), ...paths].map(
      (path) => statSync(path).mtimeMs,
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  await (process.argv.includes('--if-stale') ? buildIfStale(root) : build(root));
}
