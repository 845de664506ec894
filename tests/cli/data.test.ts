import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Lock } from '../../src/disk/lock.js';
import { plain, write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { cli } from './helpers.js';

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

let cache: string;
beforeEach(() => {
  cache = temporaryFolder();
  vi.stubEnv('RETHINK_GEN_DATA', '');
  vi.stubEnv('XDG_CACHE_HOME', cache);
  return () => vi.unstubAllEnvs();
});

async function catsAndDogs(): Promise<string> {
  const folder = temporaryFolder();
  for (const name of ['train/cat/1.png', 'train/cat/2.png', 'train/dog/1.png', 'test/dog/1.png']) {
    write(join(folder, name), await plain(40, 40, { r: 10, g: 20, b: 30 }));
  }
  return folder;
}

describe('rethink-gen data', () => {
  it('list names each data set with its numbers and how to get it', async () => {
    const { code, stdout, stderr } = await cli(['data', 'list']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^cifar10 +50,000 +10,000 +10 +official +rethink-gen data fetch cifar10/m,
    );
    expect(stdout).toMatch(/^imagetree +– +– +– +– +your own images/m);
    const json = lines((await cli(['data', 'list', '--json'])).stdout);
    expect(json.map(({ name }) => name)).toContain('fashion-mnist');
    expect(json[0]).toMatchObject({ event: 'dataset', counts: { train: 5000, test: 1000 } });
  });

  it('show prints classes and statistics, and writes a picture', async () => {
    const dir = await catsAndDogs();
    const png = join(temporaryFolder(), 'sheet.png');
    const { code, stdout } = await cli(['data', 'show', 'imagetree', '--dir', dir, '--png', png]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^image +32×32×3$/m);
    expect(stdout).toMatch(/^mean +10\.00, 20\.00, 30\.00/m);
    expect(stdout).toMatch(/^cat +2 +0$/m);
    expect(stdout).toMatch(/^all +3 +1$/m);
    // Progress is for people who watch, and not among the results.
    const watched = await cli(['data', 'show', 'imagetree', '--dir', dir], { tty: true });
    expect([stdout, watched.stdout].join()).not.toContain('reading');
    expect(watched.stderr).toContain('reading ');
    expect(existsSync(png)).toBe(true);
  });

  it('show takes a path: a tree of images, or packed ones with what was left out', async () => {
    const dir = await catsAndDogs();
    write(join(dir, 'train/dog/2.jpg'), await plain(9, 9, { r: 9, g: 9, b: 9 }));
    const damaged = write(join(dir, 'train/dog/3.jpg'), 'no image');
    const dataDir = temporaryFolder();
    const packed = join(dataDir, 'pets');
    await cli(['data', 'pack', dir, '--out', packed, '--size', '32', '--per-class', '2']);
    const png = (name: string) => join(dataDir, `${name}.png`);
    const shown = await cli(['data', 'show', packed, '--png', png('packed')]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^packed +from .*, 2 shards, by sharp/m);
    expect(shown.stdout).toMatch(/^part +2 of 2 classes, \d \+ 1 of 5 \+ 1 images$/m);
    const refused = await cli(['data', 'show', dir]);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining(damaged)]);
    rmSync(damaged);
    rmSync(packed, { recursive: true });
    await cli(['data', 'pack', dir, '--out', packed, '--size', '32']);
    const sheets = [];
    for (const [name, path] of Object.entries({ tree: dir, again: packed })) {
      const { code, stdout } = await cli(['data', 'show', path, '--png', png(name)]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^data set +imagetree$/m);
      expect(stdout).toMatch(/^all +4 +1$/m);
      sheets.push(readFileSync(png(name)));
    }
    expect(sheets[0]!.equals(sheets[1]!)).toBe(true);
    const list = await cli(['data', 'list', '--data-dir', dataDir]);
    expect(list.stdout).toMatch(/^imagetree +4 +1 +2 +images +.*pets \(0\.0 MB\)$/m);
    const help = await cli(['data', 'show', '--help']);
    expect(help.stdout.replace(/\s+/g, ' ')).toContain(
      'of a path: packed images, a tree of images',
    );
  });

  it('verify reports counts, and a class at a time where they differ', async () => {
    const dir = await catsAndDogs();
    const { code, stdout } = await cli(['data', 'verify', 'imagetree', '--dir', dir]);
    expect(code).toBe(0);
    expect(stdout).toContain('3 + 1 images: cat 2 + 0, dog 1 + 1');
    const [event] = lines(
      (await cli(['data', 'verify', 'imagetree', '--dir', dir, '--json'])).stdout,
    );
    expect(event).toMatchObject({ event: 'verified', perClass: { train: [2, 1], test: [0, 1] } });
  });

  it('fails with code 3 and one sentence where data is missing or wrong', async () => {
    const missing = await cli(['data', 'verify', 'cifar10']);
    expect(missing.code).toBe(3);
    expect(missing.stdout).toBe('');
    expect(missing.stderr).toContain(
      `cifar10 was not found in ${cache}/rethink-gen/data, nor in ./data`,
    );
    expect(missing.stderr).toContain('rethink-gen data fetch cifar10');
    const wrong = await cli(['data', 'import', await catsAndDogs(), '--as', 'cifar10']);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toMatch(/no training images of 8 of 10 classes: "airplane"/);
    expect(wrong.stderr).not.toMatch(/\n\s+at /);
  });

  it('fails with code 2 for a name it does not know, and without --as', async () => {
    for (const command of ['fetch', 'verify', 'show']) {
      const { code, stderr } = await cli(['data', command, 'cifar11']);
      expect(code).toBe(2);
      expect(stderr).toContain('"cifar11" is no data set that is known');
    }
    const { code, stderr } = await cli(['data', 'import', 'images.tar']);
    expect(code).toBe(2);
    expect(stderr).toContain('--as');
  });

  it('fetch without a network says how to do without', async () => {
    vi.stubEnv('RETHINK_GEN_MIRROR', 'http://127.0.0.1:9/');
    const dataDir = temporaryFolder();
    const { code, stderr } = await cli(['data', 'fetch', 'cifar10', '--data-dir', dataDir]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Cannot reach 127\.0\.0\.1:9/);
    expect(stderr).toContain(join(dataDir, 'cifar-10-binary.tar.gz'));
  });

  it('pack leaves a folder alone in which another process packs', async () => {
    const out = temporaryFolder();
    const lock = await Lock.acquire(out);
    const argv = ['data', 'pack', await catsAndDogs(), '--out', out, '--size', '8'];
    const { code, stderr } = await cli(argv);
    expect(code).toBe(1);
    expect(stderr).toContain(`${out} is in use by process ${process.pid}`);
    expect(readdirSync(out)).toEqual(['lock']);
    lock.release();
    expect((await cli(argv)).code).toBe(0);
  });

  it('pack takes a path or a config, and verify what was packed', async () => {
    const dir = await catsAndDogs();
    const out = join(temporaryFolder(), 'packed');
    const flags = ['--out', out, '--size', '16'];
    const { code, stdout } = await cli(['data', 'pack', dir, ...flags]);
    expect(code).toBe(0);
    expect(stdout).toContain('imagetree packed: 3 + 1 images: cat 2 + 0, dog 1 + 1, at 16×16');
    const again = await cli(['data', 'pack', dir, ...flags]);
    expect(again.stdout).toContain('was packed before, nothing to do');
    expect((await cli(['data', 'verify', out])).stdout).toContain('is as it was packed: 3 + 1');
    write(join(dir, 'train/dog/2.jpg'), 'no image');
    const config = write(
      join(temporaryFolder(), 'my.yaml'),
      `data: { name: imagetree, dir: ${dir}, size: 16, subset: { perClass: 1 } }`,
    );
    const other = join(temporaryFolder(), 'other');
    const json = await cli(['data', 'pack', config, '--out', other, '--per-class', '2', '--json']);
    expect(lines(json.stdout).at(-1)).toMatchObject({
      event: 'packed',
      counts: { train: 3, test: 1 },
      subset: { perClass: 2, of: { train: 4, test: 1, classes: 2 } },
      bad: [{ name: 'train/dog/2.jpg' }],
    });
    const strict = await cli([
      'data',
      'pack',
      dir,
      '--out',
      `${other}2`,
      '--size',
      '8',
      '--strict',
    ]);
    expect(strict.code).toBe(3);
    expect(strict.stderr).toContain('2.jpg is no image');
  });

  it('pack says what is missing', async () => {
    const dir = await catsAndDogs();
    const out = join(temporaryFolder(), 'packed');
    const none = await cli(['data', 'pack', dir, '--out', out]);
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toContain('--size is missing');
    const large = await cli(['data', 'pack', dir, '--out', out, '--size', '2000']);
    expect(large.stderr).toContain('--size is 2000, and should be 4 to 1024.');
    const config = write(join(temporaryFolder(), 'my.yaml'), 'data: { name: cifar10 }');
    const cifar = await cli(['data', 'pack', config, '--out', out, '--size', '8']);
    expect(cifar.stderr).toContain('has data.name cifar10, so there are no images to pack.');
    const wrong = await cli([
      'data',
      'pack',
      dir,
      '--out',
      out,
      '--size',
      '8',
      '--synsets',
      'cat,dig',
    ]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('Did you mean dog?');
    expect(existsSync(join(out, 'index.json'))).toBe(false);
  });
});
