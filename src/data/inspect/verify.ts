import { digestFile } from '../../disk/digest.js';
import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { grouped } from '../../text.js';
import { publishedSpec } from '../published/catalog.js';
import { layoutOf, locate, openFound } from '../published/locate.js';
import type { FoundFile, PublishedSpec } from '../published/types.js';
import { ACCESS, openSource } from '../source.js';
import type { DataSource, DatasetInfo, SplitName } from '../types.js';
import { countPerClass, type InspectOptions } from './per-class.js';
import { dataOf } from './show.js';

export interface VerifyOptions extends InspectOptions {
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
  /** Files beside the images that are not read: they are none, or further ones of a sample. */
  others: readonly string[];
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
  if (spec === undefined) {
    const data = dataOf(name, options.dir);
    const path = ACCESS[data.name].find(data, options.dataDir);
    return counted(data.name, path, await openSource(data, options), [], options);
  }
  const found = locate(spec, options);
  const claims = await layoutOf(found.form).claims?.(found.path);
  const expected = claims?.files ?? found.files;
  const { files, wrong } = await checkDigests(expected, options.signal);
  const source = await openFound(spec, found, { ...options, anew: true });
  // Files that others made are right where their content is.
  const byContent = claims === undefined && wrong.length > 0 && source.info.origin === 'official';
  if (wrong.length > 0 && !byContent) throw notRight(spec, wrong, claims !== undefined);
  const result = await counted(name, found.path, source, files, options);
  if (claims !== undefined) compareCounts(found.path, result, claims.perClass);
  return result;
}

async function counted(
  name: string,
  path: string | undefined,
  source: DataSource,
  files: VerifiedDataset['files'],
  options: VerifyOptions,
): Promise<VerifiedDataset> {
  const perClass = await countPerClass(source, options);
  const { origin, counts, classes } = source.info;
  const { others = [] } = source;
  return { name, path, origin, counts, classes, perClass, files, others };
}

/** Digests that are right, and in words what is wrong with the others; a file without one is judged by its content. */
async function checkDigests(
  expected: readonly FoundFile[],
  signal: AbortSignal | undefined,
): Promise<{ files: VerifiedDataset['files']; wrong: string[] }> {
  const files: VerifiedDataset['files'] = [];
  const wrong: string[] = [];
  for (const { path, md5, sha256, bytes } of expected) {
    const algorithm = sha256 === undefined ? 'md5' : 'sha256';
    const digest = sha256 ?? md5;
    if (digest === undefined) continue;
    const size = fileSize(path);
    if (size === undefined || (bytes !== undefined && size !== bytes)) {
      const has = size === undefined ? 'is missing' : `has ${grouped(size)} bytes`;
      wrong.push(`${path} ${has}${bytes === undefined ? '' : ` of ${grouped(bytes)}`}`);
      continue;
    }
    const actual = await digestFile(path, algorithm, signal);
    if (actual === digest) files.push({ path, algorithm, digest });
    else wrong.push(`${path} has ${algorithm} ${actual}, not ${digest}`);
  }
  return { files, wrong };
}

/** @param imported Whether the digests are an import's own. */
function notRight(spec: PublishedSpec, wrong: string[], imported: boolean): RethinkError {
  return new RethinkError('data', `${spec.name} is not as it should be: ${wrong.join('; ')}.`, {
    hint: imported
      ? `Import it again: rethink-gen data import PATH --as ${spec.name} --force`
      : `Delete it and get it again: rethink-gen data fetch ${spec.name}`,
  });
}

function compareCounts(
  path: string,
  { classes, perClass }: VerifiedDataset,
  claimed: Record<SplitName, number[]>,
): void {
  for (const split of ['train', 'test'] as const) {
    for (const [label, expected] of claimed[split].entries()) {
      const counted = perClass[split][label]!;
      if (counted === expected) continue;
      throw new RethinkError(
        'data',
        `${path} has ${grouped(counted)} ${split} images of class ${classes[label]}, and its index says ${grouped(expected)}.`,
      );
    }
  }
}
