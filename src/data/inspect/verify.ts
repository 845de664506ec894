import { join, resolve } from 'node:path';
import type { Config } from '../../config/resolve.js';
import { RethinkError } from '../../errors.js';
import type { OnProgress } from '../../progress.js';
import { grouped } from '../../text.js';
import { digestFile, fileSize } from '../files.js';
import { readManifest } from '../import/store.js';
import { type PublishedSpec, publishedSpec } from '../published/catalog.js';
import { requireSpec } from '../published/fetch.js';
import { digests, type Found, locate } from '../published/locate.js';
import { isTreeName, openFound, openSource } from '../source.js';
import type { DatasetInfo, SplitName } from '../types.js';
import { countPerClass } from './count.js';

export interface VerifyOptions {
  dataDir?: string | undefined;
  /** A folder or archive elsewhere, as `data.dir`. */
  dir?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** @internal Another data set's counts and digests, for tests. */
  spec?: PublishedSpec | undefined;
}

export interface VerifiedDataset {
  name: string;
  /** Where it is; `undefined` for synthetic data. */
  path: string | undefined;
  origin: DatasetInfo['origin'];
  counts: Record<SplitName, number>;
  classes: string[];
  /** As counted, in the order of `classes`. */
  perClass: Record<SplitName, number[]>;
  /** Files whose digest was computed anew and is right. */
  files: { path: string; algorithm: 'md5' | 'sha256'; digest: string }[];
}

/**
 * Reads a data set to the last byte: digests, sizes, labels, and how many examples each class has.
 *
 * @throws RethinkError (`data`) naming each file whose digest is wrong, or the first other thing that is.
 */
export async function verifyDataset(
  name: string,
  options: VerifyOptions = {},
): Promise<VerifiedDataset> {
  const spec = options.spec ?? publishedSpec(name);
  if (spec === undefined) return verifyOther(name, options);
  const found = locate(spec, options);
  const files = await checkDigests(spec, found, options.signal);
  const source = await openFound(spec, found, options);
  const perClass = await countPerClass(source, options);
  if (found.kind === 'store') await compareCounts(found.path, perClass);
  const { origin, counts, classes } = source.info;
  return { name, path: found.path, origin, counts, classes, perClass, files };
}

async function verifyOther(name: string, options: VerifyOptions): Promise<VerifiedDataset> {
  if (name !== 'synthetic' && !isTreeName(name)) requireSpec(name);
  const data: Config['data'] = { name: name as Config['data']['name'], dir: options.dir };
  const source = await openSource(data, options);
  const perClass = await countPerClass(source, options);
  const { origin, counts, classes } = source.info;
  const path = options.dir === undefined ? undefined : resolve(options.dir);
  return { name, path, origin, counts, classes, perClass, files: [] };
}

async function checkDigests(
  spec: PublishedSpec,
  found: Found,
  signal: AbortSignal | undefined,
): Promise<VerifiedDataset['files']> {
  const expected = await expectedDigests(spec, found);
  const checked: VerifiedDataset['files'] = [];
  const wrong: string[] = [];
  for (const { path, algorithm, digest, bytes } of expected) {
    const size = await fileSize(path);
    if (size === undefined || (bytes !== undefined && size !== bytes)) {
      const has = size === undefined ? 'is missing' : `has ${grouped(size)} bytes`;
      wrong.push(`${path} ${has}${bytes === undefined ? '' : ` of ${grouped(bytes)}`}`);
      continue;
    }
    const actual = await digestFile(path, algorithm, signal);
    if (actual !== digest) wrong.push(`${path} has ${algorithm} ${actual}, not ${digest}`);
    checked.push({ path, algorithm, digest });
  }
  if (wrong.length === 0) return checked;
  throw new RethinkError('data', `${spec.name} is not as it should be: ${wrong.join('; ')}.`, {
    hint:
      found.kind === 'store'
        ? `Import it again: rethink-gen data import PATH --as ${spec.name} --force`
        : `Delete it and get it again: rethink-gen data fetch ${spec.name}`,
  });
}

interface ExpectedDigest {
  path: string;
  algorithm: 'md5' | 'sha256';
  digest: string;
  bytes?: number;
}

async function expectedDigests(spec: PublishedSpec, found: Found): Promise<ExpectedDigest[]> {
  if (found.kind === 'store') {
    const manifest = await readManifest(found.path);
    return [manifest.train, manifest.test].map(({ file, sha256, bytes }) => ({
      path: join(found.path, file),
      algorithm: 'sha256',
      digest: sha256,
      bytes,
    }));
  }
  if (found.kind === 'archive' && spec.layout === 'cifar' && spec.archive.sha256 !== undefined) {
    const { sha256, bytes } = spec.archive;
    return [{ path: found.path, algorithm: 'sha256', digest: sha256, bytes }];
  }
  return digests(spec, found).map(({ path, md5 }) => ({ path, algorithm: 'md5', digest: md5 }));
}

async function compareCounts(path: string, perClass: Record<SplitName, number[]>): Promise<void> {
  const manifest = await readManifest(path);
  for (const split of ['train', 'test'] as const) {
    for (const [label, expected] of manifest[split].perClass.entries()) {
      const counted = perClass[split][label]!;
      if (counted === expected) continue;
      throw new RethinkError(
        'data',
        `${join(path, manifest[split].file)} has ${grouped(counted)} of class ${manifest.classes[label]}, and info.json says ${grouped(expected)}.`,
      );
    }
  }
}
