import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './helpers/temporary-folder.js';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** A checkout in small: the real bin, one source file that says what it was compiled from. */
async function checkout(source = 'compiled'): Promise<string> {
  const root = temporaryFolder();
  cpSync(join(repository, 'bin'), join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'src', 'cli'), { recursive: true });
  mkdirSync(join(root, 'node_modules'));
  for (const name of ['typescript', 'esbuild']) {
    symlinkSync(join(repository, 'node_modules', name), join(root, 'node_modules', name));
  }
  mkdirSync(join(root, 'scripts'));
  cpSync(join(repository, 'scripts', 'build.mjs'), join(root, 'scripts', 'build.mjs'));
  writeFileSync(join(root, 'scripts', 'vendor.mjs'), 'export const vendor = async () => {};');
  mkdirSync(join(root, 'src', 'machine'));
  writeFileSync(
    join(root, 'src', 'machine', 'machine.ts'),
    'export const processThreads = () => 5;',
  );
  writeFileSync(join(root, 'package.json'), '{"type": "module"}');
  const compilerOptions = {
    module: 'NodeNext',
    target: 'ES2022',
    strict: true,
    types: [],
    rootDir: 'src',
    outDir: 'dist',
  };
  for (const name of ['tsconfig.json', 'tsconfig.client.json']) {
    writeFileSync(join(root, name), '{}');
  }
  mkdirSync(join(root, 'src', 'report', 'client'), { recursive: true });
  writeFileSync(join(root, 'src', 'report', 'client', 'main.ts'), 'export {};');
  writeFileSync(
    join(root, 'tsconfig.build.json'),
    JSON.stringify({ compilerOptions, include: ['src'] }),
  );
  writeSource(root, source);
  return root;
}

function writeSource(root: string, text: string): void {
  const code = `declare const console: { log(text: string): void };\nexport const start = async (): Promise<void> => console.log('${text}');\n`;
  writeFileSync(join(root, 'src', 'cli', 'index.ts'), code);
}

function bin(root: string, argv: string[] = [], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bin', 'rethink-gen.js'), ...argv],
    { encoding: 'utf8', env },
  );
  return { status, stdout, stderr };
}

describe('bin in a checkout', () => {
  it('compiles what is missing, once, and again what has changed', async () => {
    const root = await checkout('first');
    expect(bin(root)).toEqual({
      status: 0,
      stdout: 'first\n',
      stderr: 'rethink-gen: compiling src, as dist is missing …\n',
    });
    expect(bin(root)).toEqual({ status: 0, stdout: 'first\n', stderr: '' });
    writeSource(root, 'second');
    // A clock of coarse ticks must not make this test one of luck.
    utimesSync(join(root, 'src', 'cli', 'index.ts'), new Date(), new Date(Date.now() + 5000));
    expect(bin(root)).toMatchObject({
      status: 0,
      stdout: 'second\n',
      stderr: 'rethink-gen: compiling src, as dist is older …\n',
    });
    expect(readdirSync(join(root, 'node_modules', '.cache'))).toEqual([]);
  });

  it('shows what does not compile, and leaves no dist behind', async () => {
    const root = await checkout();
    writeFileSync(join(root, 'src', 'broken.ts'), 'const x: number = "text";\nexport { x };\n');
    const { status, stderr } = bin(root);
    expect(status).toBe(1);
    expect(stderr).toContain('error: src does not compile.\nsrc/broken.ts(1,7): error TS2322');
    expect(existsSync(join(root, 'dist'))).toBe(false);
  });

  it('says that npm ci is missing', async () => {
    const root = await checkout();
    const { status, stderr } = spawnSync('rm', ['-r', join(root, 'node_modules')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(bin(root)).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'error: this checkout is not built, and what builds it is not installed.\nhint: Run npm ci first.\n',
    });
  });
});

describe('packing', () => {
  /** Without what `npm test` itself hands down. */
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
  );

  // npm pack alone runs no script of ours, and packs the dist that there is.
  it('by npm run package compiles first, also where dist is newer than its sources', async () => {
    const root = await checkout('fresh');
    const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      scripts: object;
    };
    const manifest = { name: 'small', version: '1.0.0', type: 'module', files: ['bin', 'dist'] };
    writeFileSync(join(root, 'package.json'), JSON.stringify({ ...manifest, scripts }));
    cpSync(join(repository, '.npmrc'), join(root, '.npmrc'));
    mkdirSync(join(root, 'dist', 'cli'), { recursive: true });
    for (const name of ['index.js', 'gone.js']) {
      writeFileSync(join(root, 'dist', 'cli', name), "console.log('stale')");
    }
    const packed = spawnSync('npm', ['run', 'package'], { cwd: root, env, encoding: 'utf8' });
    expect(packed.status, packed.stderr).toBe(0);
    const tar = (...flags: string[]) =>
      spawnSync('tar', flags, { cwd: root, encoding: 'utf8' }).stdout;
    expect(tar('-tzf', 'small-1.0.0.tgz')).not.toContain('gone.js');
    expect(tar('-xOzf', 'small-1.0.0.tgz', 'package/dist/cli/index.js')).toContain("log('fresh')");
  });
});

describe('bin of a package that was packed unbuilt', () => {
  it('says so, and does not look for a compiler', () => {
    const root = temporaryFolder();
    cpSync(join(repository, 'bin'), join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{"type": "module"}');
    // What of src a package ships doesn't make it a checkout.
    mkdirSync(join(root, 'src', 'engines'), { recursive: true });
    const { status, stdout, stderr } = bin(root, ['--version']);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `error: this rethink-gen was packed without its compiled code: ${join(root, 'dist')} is missing.\nhint: Install it from a package that npm run package has made in a checkout.\n`,
    );
  });
});

describe('threads that decode', () => {
  /** Says what UV_THREADPOOL_SIZE is, and how many threads this process has once its pool is at work. */
  const COUNTS = `
import { pbkdf2 } from 'node:crypto';
import { readdirSync } from 'node:fs';
export const start = async () => {
  await new Promise((done) => pbkdf2('', '', 1, 1, 'sha256', done));
  const threads = readdirSync('/proc/self/task').length;
  console.log(JSON.stringify({ asked: process.env.UV_THREADPOOL_SIZE, threads }));
};`;

  it.runIf(process.platform === 'linux')(
    'are as many as cores, or as many as a person has asked for',
    async () => {
      const root = temporaryFolder();
      cpSync(join(repository, 'bin'), join(root, 'bin'), { recursive: true });
      mkdirSync(join(root, 'dist', 'cli'), { recursive: true });
      writeFileSync(join(root, 'package.json'), '{"type": "module"}');
      writeFileSync(join(root, 'dist', 'cli', 'index.js'), COUNTS);
      const machine = join(root, 'machine.cjs');
      const threads = (cores: number, env: NodeJS.ProcessEnv = {}) => {
        writeFileSync(machine, `require('node:os').availableParallelism = () => ${cores};`);
        const { UV_THREADPOOL_SIZE: _, ...others } = process.env;
        const { stdout, stderr } = bin(root, [], {
          ...others,
          NODE_OPTIONS: `--require ${machine}`,
          ...env,
        });
        expect(stderr).toBe('');
        return JSON.parse(stdout) as { asked: string; threads: number };
      };
      const one = threads(11, { UV_THREADPOOL_SIZE: '1' });
      expect(one.asked).toBe('1');
      expect(threads(11)).toEqual({ asked: '11', threads: one.threads + 10 });
      expect(threads(2)).toEqual({ asked: '4', threads: one.threads + 3 });
      // What the room machine knows of a container's share goes before the count of processors.
      writeFileSync(join(root, 'dist', 'machine.cjs'), 'exports.processThreads = () => 6;');
      expect(threads(11)).toEqual({ asked: '6', threads: one.threads + 5 });
    },
  );
});

describe('bin of this package', () => {
  it('runs the command line and ends with its exit code', () => {
    const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(bin(repository, ['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
    const bad = bin(repository, ['validate', 'absent.yaml']);
    expect([bad.status, bad.stdout]).toEqual([2, '']);
    expect(bad.stderr).toContain('error: There is no absent.yaml.\n');
  });

  it('ends quietly when the reader has gone', () => {
    const command = `node "${join(repository, 'bin', 'rethink-gen.js')}" init | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    expect(stdout).toMatch(/^# yaml-language-server.*\n0\n$/);
    expect(stderr).toBe('');
  });
});
