import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './helpers/temporary-folder.js';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Without what `npm test` itself hands down: this checkout's .npmrc among other things. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || /^npm_config_(registry|cache|.*proxy|cafile)$/i.test(name),
  ),
);

function run(command: string, args: string[], cwd: string) {
  return spawnSync(command, args, { cwd, env, encoding: 'utf8' });
}

/** Packs this checkout as `npm run package` does, into a folder. */
function pack(folder: string): { tarball: string; files: string[] } {
  // Builds dist where it is older than the sources, as it may be where this one file of tests is run.
  const built = run(process.execPath, ['bin/rethink-gen.js', '--version'], repository);
  expect(built.status).toBe(0);
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename, files }] = JSON.parse(run('npm', args, repository).stdout) as [
    { filename: string; files: { path: string }[] },
  ];
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

describe('the package', () => {
  let packed: ReturnType<typeof pack>;
  beforeAll(() => {
    packed = pack(temporaryFolder());
  });

  it('holds what its documents link to, and the files that the README names', () => {
    const pages = packed.files.filter((path) => path.endsWith('.md'));
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md']));
    for (const page of pages) {
      const text = readFileSync(join(repository, page), 'utf8');
      const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)|(?:src|href)="([^"#]+)/g)]
        .map(([, link, attribute]) => link ?? attribute!)
        .filter((link) => !/^\w+:/.test(link))
        .map((link) => posix.join(dirname(page), link).replace(/\/$/, ''));
      const named =
        page === 'README.md' ? [...text.matchAll(/(?:configs|scripts|docs)\/[\w./-]*\w/g)] : [];
      for (const path of [...links, ...named.map(([name]) => name)]) {
        const found = packed.files.some((file) => file === path || file.startsWith(`${path}/`));
        expect(found, `${page} names ${path}, which isn't packed`).toBe(true);
      }
    }
  });

  it('holds the compiled form of every source, nothing older, no tests and no maps of sources that stay behind', () => {
    const modules = (folder: string, end: RegExp) =>
      readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => end.test(path))
        .map((path) => path.replace(end, ''));
    const compiled = packed.files
      .filter((path) => /^dist\/.*\.js$/.test(path))
      .map((path) => path.replace(/^dist\/|\.js$/g, ''));
    // The program of the report's page is one file, and its style sheet another.
    const sources = modules('src', /\.ts$/).filter((path) => !path.startsWith('report/client/'));
    expect(compiled.sort()).toEqual([...sources, 'report/client'].sort());
    expect(packed.files).toContain('dist/report/client.css');
    expect(packed.files.filter((path) => /\.map$|\.test\.|^src\/.*\.ts$/.test(path))).toEqual([]);
    expect(packed.files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'dist/vendor/LICENSE',
        'dist/vendor/tfjs-node/binding/tfjs_binding.cc',
        'dist/vendor/tfjs-node/include/node_api.h',
        'src/engines/tensorflow/ops.cc',
      ]),
    );
  });

  it('is installed by a plain npm install, scripts on, into an empty folder, and trains there', (context) => {
    const reached = run(
      'npm',
      ['view', 'koffi', 'version', '--fetch-retries=0'],
      temporaryFolder(),
    );
    if (reached.status !== 0) context.skip('the npm registry is out of reach');
    const folder = temporaryFolder();
    const installed = run(
      'npm',
      ['install', '--ignore-scripts=false', '--no-audit', '--no-fund', packed.tarball],
      folder,
    );
    expect(installed.status, installed.stderr).toBe(0);
    const lock = JSON.parse(
      readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'),
    ) as { packages: Record<string, { hasInstallScript?: boolean }> };
    // koffi's looks whether its binary is there, which came as a package, and fetches nothing.
    const scripts = Object.entries(lock.packages).filter(
      ([, { hasInstallScript }]) => hasInstallScript,
    );
    expect(scripts.map(([path]) => path)).toEqual(['node_modules/koffi']);
    expect(Object.keys(lock.packages).filter((path) => /tfjs(-node.*)?$/.test(path))).toEqual([]);

    const quickstart = [
      'rethink-gen',
      'run',
      'quickstart',
      'train.epochs=2',
      'data.limit=256',
      '--json',
    ];
    const trained = run('npx', ['--no-install', ...quickstart], folder);
    expect(trained.status, trained.stderr).toBe(0);
    const events = trained.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.filter(({ event }) => event === 'epoch')).toHaveLength(4);
  });
});
