import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locate, locateAll, openFound } from '../../../src/data/published/locate.js';
import type { PublishedSpec } from '../../../src/data/published/types.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  cifarPythonFiles,
  cifarPythonForm,
  failure,
  noiseRecords,
  pickledCifar,
  readAll,
  smallCifar,
  write,
  writeTar,
} from '../helpers.js';

describe.each(['cifar10', 'cifar100'] as const)('%s for Python', (name) => {
  const spec = smallCifar(name, 6);
  const form = cifarPythonForm(spec);
  const records = noiseRecords(spec);
  const files = cifarPythonFiles(spec, records);

  const archiveIn = (path: string, folder: string, content: Map<string, Buffer>) =>
    writeTar(path, [
      { name: `${folder}/`, type: 'directory' },
      ...[...content]
        .reverse()
        .map(([file, bytes]) => ({ name: `${folder}/${file}`, content: bytes })),
      { name: `${folder}/readme.html`, content: '<html></html>' },
    ]);

  async function readFrom(place: { dir?: string; dataDir?: string }, of: PublishedSpec = spec) {
    const source = await openFound(of, locate(of, place));
    const split = async (name: 'train' | 'test') =>
      (await readAll(source, name)).sort((a, b) => a.index - b.index);
    return { train: await split('train'), test: await split('test'), info: source.info };
  }

  it('gives the images of the binary version in their order, from its archive and its folder', async () => {
    const root = temporaryFolder();
    const archive = await archiveIn(join(root, form.files[0].file), form.folder, files);
    const renamed = await archiveIn(join(root, 'my-own-name.tgz'), form.folder, files);
    const below = temporaryFolder();
    for (const [file, bytes] of files) write(join(below, form.folder, file), bytes);
    const places = [
      { dir: archive },
      { dir: renamed },
      { dir: root },
      { dataDir: root },
      { dataDir: below },
      { dir: below },
      { dir: join(below, form.folder) },
    ];
    for (const place of places) {
      const { train, test } = await readFrom(place);
      expect({ train, test }).toEqual(records);
    }
  });

  it('is told from the binary version by the folder an archive begins with', async () => {
    const root = temporaryFolder();
    const binary = cifarForm(spec);
    const path = await archiveIn(join(root, 'a.tar'), binary.folder, cifarFiles(spec, records));
    const python = await archiveIn(join(root, 'b.tar'), form.folder, files);
    expect(locate(spec, { dir: path }).form.layout).toBe('cifar');
    expect(locate(spec, { dir: python }).form.layout).toBe('cifar-python');
    expect((await readFrom({ dir: path })).train).toEqual((await readFrom({ dir: python })).train);
  });

  it('is official where its digests are, and imported where not', async () => {
    const below = temporaryFolder();
    for (const [file, bytes] of files) write(join(below, form.folder, file), bytes);
    expect((await readFrom({ dataDir: below })).info.origin).toBe('imported');
    const right = {
      ...form,
      parts: form.parts.map((part) => {
        const md5 = createHash('md5').update(files.get(part.file)!).digest('hex');
        return { ...part, md5 };
      }),
    };
    const [first, , ...others] = spec.forms;
    const published: PublishedSpec = { ...spec, forms: [first, right, ...others] };
    expect((await readFrom({ dataDir: below }, published)).info.origin).toBe('official');
  });

  it('is used after the binary version, and both are listed', async () => {
    const root = temporaryFolder();
    for (const [file, bytes] of files) write(join(root, form.folder, file), bytes);
    const binary = cifarForm(spec);
    for (const [file, bytes] of cifarFiles(spec, records))
      write(join(root, binary.folder, file), bytes);
    const layouts = locateAll(spec, { dataDir: root }).map((found) => found.form.layout);
    expect(layouts).toEqual(['cifar', 'cifar-python']);
  });

  it('is refused where a file is missing, holds other things or runs code', async () => {
    const root = join(temporaryFolder(), form.folder);
    mkdirSync(root);
    const [part] = form.parts;
    const { file } = part!;
    const bytes = files.get(file)!;
    const pixels = 3072;
    const data = { shape: [6, pixels], planes: Buffer.alloc(6 * pixels) };
    const six = [0, 1, 2, 3, 4, 5];
    const cases: [Buffer, RegExp][] = [
      [bytes.subarray(0, -9), /is damaged: it ends where/],
      [
        pickledCifar({ data, other: six }),
        /should hold 6 numbers "(fine_)?labels", and holds none/,
      ],
      [pickledCifar({ data, [form.labels]: [1, 2] }), /and holds 2\./],
      [pickledCifar({ data, [form.labels]: [...six.slice(1), 200] }), /record 5 has label 200/],
      [pickledCifar({ data, [form.labels]: [...six.slice(1), -1] }), /record 5 has label -1/],
      [
        pickledCifar({ data: { shape: [3, 2 * pixels], planes: data.planes }, [form.labels]: six }),
        /should hold an array "data" of shape \(6, 3072\), and holds of shape \(3, 6144\)/,
      ],
      [Buffer.from("cposix\nsystem\n(S'touch pwned'\ntR."), /asks for "posix\.system"/],
      [Buffer.from('N.'), /and holds none/],
    ];
    for (const [content, why] of cases) {
      for (const [name, whole] of files) write(join(root, name), name === file ? content : whole);
      const error = await failure(() => readFrom({ dir: root }));
      expect(error.message).toMatch(why);
      expect(error.message).toContain(file);
    }
  });

  it('is never unpacked beyond what it can hold', async () => {
    const root = join(temporaryFolder(), form.folder);
    for (const [name, whole] of files) write(join(root, name), whole);
    write(join(root, form.parts[0]!.file), Buffer.alloc(2 ** 20));
    expect((await failure(() => readFrom({ dir: root }))).message).toMatch(
      /at most 105,472 are expected/,
    );
  });
});
