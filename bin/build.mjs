import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * In a checkout, compiles `src` to `dist` where that is missing or older. Ends the process where the sources do not compile.
 * A published package is left alone: it has no TypeScript to compile, whatever else of `src` it ships.
 *
 * @param {URL} rootUrl The package's folder.
 */
export function buildIfStale(rootUrl) {
  const root = fileURLToPath(rootUrl);
  if (!existsSync(join(root, 'src', 'cli', 'index.ts'))) return;
  const entry = join(root, 'dist', 'cli', 'index.js');
  const built = existsSync(entry) ? statSync(entry).mtimeMs : undefined;
  if (built !== undefined && newestChange(root) <= built) return;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(compiler)) {
    console.error('error: this checkout is not built, and its typescript is not installed.');
    console.error('hint: Run npm ci first.');
    process.exit(1);
  }
  console.error(
    `rethink-gen: compiling src, as dist is ${built === undefined ? 'missing' : 'older'} …`,
  );
  build(root, compiler);
}

/** Compiles beside `dist` and swaps, so that a process that starts meanwhile never sees half of it. */
function build(root, compiler) {
  const scratch = join(root, 'node_modules', '.cache', `rethink-gen-${process.pid}`);
  const fresh = join(scratch, 'fresh');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (result.status === 0) swap(fresh, join(root, 'dist'), join(scratch, 'old'));
  rmSync(scratch, { recursive: true, force: true });
  if (result.status === 0) return;
  console.error('error: src does not compile.');
  console.error((result.stdout || result.stderr || String(result.error)).trimEnd());
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
  const settings = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  const paths = sources.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Math.max(
    ...[join(root, 'src'), ...settings, ...paths].map((path) => statSync(path).mtimeMs),
  );
}
