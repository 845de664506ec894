import { basename, join } from 'node:path';
import { fileSize, isFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { readBytes } from '../archive/bytes.js';
import { firstTarName, readTar } from '../archive/tar.js';
import type { DataSource, DatasetInfo, ImageRecord, SplitName } from '../types.js';
import { type PartReader, readBinary, readPickle } from './cifar-parts.js';
import { isStore } from './store.js';
import {
  type CifarForm,
  type CifarPart,
  type CifarPythonForm,
  type Found,
  infoOf,
  type Layout,
  type PublishedSpec,
} from './types.js';

/** Names, licenses and label lists that travel with the records: no more than this, unpacked. */
const OTHER_BYTES = 16 * 2 ** 20;

type AnyForm = CifarForm | CifarPythonForm;

/** CIFAR in its official binary version. */
export const CIFAR: Layout<CifarForm> = { official: true, find, open: cifarSource };

/** CIFAR in its official version for Python: the same images in the same order. */
export const CIFAR_PYTHON: Layout<CifarPythonForm> = { official: true, find, open: cifarSource };

/** Both versions are an archive of one folder, whose files hold a part of a split each. */
const READERS: { [L in AnyForm['layout']]: PartReader<Extract<AnyForm, { layout: L }>> } = {
  cifar: readBinary,
  'cifar-python': readPickle,
};

/** The data set in a `.tar.gz` (or `.tar`), or in the unpacked folder of its files. */
export function cifarSource(
  spec: PublishedSpec,
  { form, path, kind }: Pick<Found<AnyForm>, 'form' | 'path' | 'kind'>,
  origin: DatasetInfo['origin'],
): DataSource {
  // Whichever version it is, its reader is that of the same.
  const reader = READERS[form.layout] as PartReader<AnyForm>;
  const source: Source = {
    ...spec,
    path,
    form,
    bytes: (part) => reader.bytes(spec, form, part),
    records: (part, chunks, where) => reader.records(spec, form, part, chunks, where),
  };
  return {
    info: infoOf(spec, origin),
    read: (split, signal) =>
      kind === 'archive' ? readArchive(source, split, signal) : readFolder(source, split, signal),
  };
}

function find<F extends AnyForm>(
  spec: PublishedSpec,
  form: F,
  base: string,
  given: boolean,
): Found<F>[] {
  const [official] = form.files;
  const archive = (path: string): Found<F> => ({
    form,
    kind: 'archive',
    path,
    files: [{ path, ...official }],
  });
  if (given && isFile(base)) return formOfArchive(spec, base) === form ? [archive(base)] : [];
  const keras = 'keras' in form ? form.keras : { archives: [], folders: [] };
  const below = [form.folder, ...keras.folders].map((folder) => join(base, folder));
  const folders = (given ? [base, ...below] : below).filter((path) => isCifarFolder(form, path));
  const archives = [official.file, ...keras.archives].map((file) => join(base, file));
  return [
    ...archives.filter(isFile).map(archive),
    ...folders.map((path): Found<F> => {
      const files = form.parts.map(({ file, md5 }) => ({ path: join(path, file), file, md5 }));
      return { form, kind: 'folder', path, files };
    }),
  ];
}

/** The version whose folder an archive begins with; the first where it is neither, for its reader to say what is wrong. */
function formOfArchive({ forms }: PublishedSpec, path: string): AnyForm | undefined {
  if (path.endsWith('.parquet')) return undefined;
  const archives = forms.filter(
    (form) => form.layout === 'cifar' || form.layout === 'cifar-python',
  );
  const name = firstTarName(path);
  return archives.find(({ folder }) => name?.startsWith(`${folder}/`)) ?? archives[0];
}

/** One part is enough to recognize the folder; the reader names what is missing of the others. */
function isCifarFolder(form: AnyForm, path: string): boolean {
  // An imported store has a train.bin too, as CIFAR-100 has.
  return !isStore(path) && form.parts.some((part) => isFile(join(path, part.file)));
}

/** One copy of a data set. */
interface Source extends PublishedSpec {
  path: string;
  form: AnyForm;
  /** How long a part is: exactly, or at most. */
  bytes(part: CifarPart): { exactly?: number; most: number };
  /** The records of one file; their indices go on from those of the split's files before it. */
  records(
    part: CifarPart,
    chunks: AsyncIterable<Buffer>,
    where: string,
  ): AsyncGenerator<ImageRecord>;
}

async function* readArchive(
  source: Source,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const { form, path, name, counts } = source;
  const wanted = new Map(form.parts.map((part) => [`${form.folder}/${part.file}`, part]));
  const missing = new Set(wanted.keys());
  let read = 0;
  let other: string | undefined;
  const entries = readTar(path, {
    signal,
    maxBytes: form.parts.reduce((sum, part) => sum + source.bytes(part).most, OTHER_BYTES),
    progress: () => `${grouped(read)} of ${grouped(counts[split])} ${split} records read`,
  });
  for await (const entry of entries) {
    const part = wanted.get(entry.name);
    if (part === undefined) {
      other ??= entry.name;
      continue;
    }
    missing.delete(entry.name);
    checkSize(source, part, entry.size, `${path}: ${quoted(entry.name)}`);
    if (part.split !== split) continue;
    for await (const record of source.records(part, entry.chunks, `${path}: ${part.file}`)) {
      read++;
      yield record;
    }
  }
  if (missing.size === 0) return;
  const holds = other === undefined ? '' : `; it holds ${quoted(other)} instead`;
  const tree = other !== undefined && /\.(jpe?g|png)$/i.test(other);
  throw new RethinkError('data', `${path} lacks ${[...missing].join(', ')}${holds}.`, {
    hint: tree
      ? `This is a tree of images: rethink-gen data import ${path} --as ${name}`
      : `The official archive of ${name} is expected, ${basename(form.files[0].file)}.`,
  });
}

async function* readFolder(
  source: Source,
  split: SplitName,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImageRecord> {
  const { parts } = source.form;
  for (const part of parts) {
    const file = join(source.path, part.file);
    const size = fileSize(file);
    if (size === undefined) throw new RethinkError('data', `${source.name}: ${file} is missing.`);
    checkSize(source, part, size, file);
  }
  for (const part of parts.filter((part) => part.split === split)) {
    const file = join(source.path, part.file);
    const chunks = readBytes(file, { signal, maxBytes: source.bytes(part).most });
    yield* source.records(part, chunks, file);
  }
}

function checkSize(source: Source, part: CifarPart, size: number, where: string): void {
  const { exactly, most } = source.bytes(part);
  if (exactly === undefined ? size <= most : size === exactly) return;
  const expected = exactly === undefined ? `at most ${grouped(most)}` : grouped(exactly);
  const each = exactly === undefined ? '' : ` of ${grouped(exactly / part.records)} bytes`;
  throw new RethinkError(
    'data',
    `${where} has ${grouped(size)} bytes, and ${expected} are expected: ${grouped(part.records)} records${each}.`,
    { hint: `Get it again: rethink-gen data fetch ${source.name}` },
  );
}
