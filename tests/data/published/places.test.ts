import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listDatasets } from '../../../src/data/inspect/list.js';
import { locateAll } from '../../../src/data/published/locate.js';
import { othersRoots } from '../../../src/data/published/places.js';
import { missingData, openSource } from '../../../src/data/source.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  cifarFiles,
  cifarForm,
  cifarPythonFiles,
  cifarPythonForm,
  noiseRecords,
  smallCifar,
  write,
} from '../helpers.js';

const VARIABLES = ['RETHINK_GEN_DATA', 'TORCH_HOME', 'KERAS_HOME', 'HF_HOME', 'HF_HUB_CACHE'];
let home: string;

beforeEach(() => {
  home = temporaryFolder();
  vi.stubEnv('HOME', home);
  vi.stubEnv('XDG_CACHE_HOME', '');
  for (const name of VARIABLES) vi.stubEnv(name, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const spec = smallCifar('cifar10', 1);
const python = cifarPythonFiles(spec, noiseRecords(spec));
const putPython = (folder: string) => {
  for (const [file, bytes] of python) write(join(folder, file), bytes);
  return folder;
};

describe('where others keep data', () => {
  it('is where their variables say, else below the home folder', () => {
    const usual = ['data', '.cache/torch', '.cache/torch/data', '.cache/torch/datasets'];
    const roots = [...usual, '.keras/datasets', '.cache/huggingface/hub'];
    expect(othersRoots().slice(1)).toEqual(roots.map((path) => join(home, path)));
    vi.stubEnv('TORCH_HOME', '~/torch');
    vi.stubEnv('KERAS_HOME', '/keras');
    vi.stubEnv('HF_HOME', '/hf');
    const said = ['/keras/datasets', '/hf/hub', join(home, 'torch/datasets')];
    expect(othersRoots()).toEqual(expect.arrayContaining(said));
    vi.stubEnv('HF_HUB_CACHE', '/hub');
    expect(othersRoots()).toContain('/hub');
    expect(othersRoots()).not.toContain('/hf/hub');
  });

  it.each([
    ['a folder of the user’s', 'data/cifar-10-batches-py'],
    ['older Keras', '.keras/datasets/cifar-10-batches-py'],
    ['newer Keras', '.keras/datasets/cifar-10-batches-py-target/cifar-10-batches-py'],
    ['PyTorch', '.cache/torch/datasets/cifar-10-batches-py'],
  ])('is looked through after our own: %s', async (_, path) => {
    const folder = putPython(join(home, path));
    expect(locateAll(spec, {})).toMatchObject([{ path: folder }]);
    const dataDir = temporaryFolder();
    const form = cifarForm(spec);
    for (const [file, bytes] of cifarFiles(spec, noiseRecords(spec))) {
      write(join(dataDir, form.folder, file), bytes);
    }
    const [used, other] = locateAll(spec, { dataDir });
    expect(used).toMatchObject({ path: join(dataDir, form.folder) });
    expect(other).toMatchObject({ path: folder });
    const listed = (await listDatasets({ dataDir })).find(({ name }) => name === 'cifar10');
    expect(listed!.copies.map((copy) => copy.path)).toEqual([used!.path, other!.path]);
  });

  it.each(['cifar-10-batches-py.tar.gz', 'cifar-10-batches-py-target_archive'])(
    'knows Keras’ name of the archive, %s',
    (name) => {
      const path = write(join(home, '.keras/datasets', name), 'not looked into');
      const form = cifarPythonForm(spec);
      expect(locateAll(spec, {})).toMatchObject([{ path, kind: 'archive', form }]);
    },
  );

  it('is told of in a note, and is not looked at where data.dir says where', async () => {
    const folder = putPython(join(home, 'data/cifar-10-batches-py'));
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    await openSource({ name: 'cifar10' }, { onNote });
    expect(notes).toEqual([`cifar10 is read from ${folder}.`]);
    await openSource({ name: 'cifar10' }, { onNote, dataDir: join(home, 'data') });
    await openSource({ name: 'cifar10', dir: folder }, { onNote });
    expect(notes.length).toBe(1);
    expect(missingData({ name: 'cifar10', dir: temporaryFolder() }, undefined)).toContain(
      'was not found in',
    );
  });
});
