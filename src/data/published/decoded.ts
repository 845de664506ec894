import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { digestFile, sha256 } from '../../disk/digest.js';
import { quietly, removeQuietly, writeFileAtomic } from '../../disk/files.js';
import { replaceFolder, withTemporaryFolder } from '../../disk/folders.js';
import { isInterruption, RethinkError } from '../../errors.js';
import { cacheRoot } from '../../machine/cache-folder.js';
import { decodedBy } from '../image/decode.js';
import { allRecords, type WriteOptions, writeStore } from '../import/write.js';
import type { DataSource } from '../types.js';
import { asOfficial, binaryForm } from './content.js';
import { readManifest, storeSource } from './store.js';
import type { Found, PublishedSpec } from './types.js';

/** Copies whose images are kept: each takes as much as the data set in memory. */
const MOST_KEPT = 4;

const KEPT = 'kept.json';

const keptSchema = z.strictObject({
  format: z.literal(1),
  key: z.string(),
  origin: z.enum(['official', 'imported']),
  /** The files that were decoded, as they were: where size, time and inode are the same, so are the bytes. */
  files: z.array(
    z.strictObject({
      file: z.string(),
      bytes: z.number(),
      mtimeMs: z.number(),
      inode: z.number(),
      sha256: z.string(),
    }),
  ),
});
type Kept = z.infer<typeof keptSchema>;

/**
 * A copy whose images take long to decode, and whether it is the official data set. The first time both are found out, and
 * kept in the cache's folder `decoded/`; after that it is opened as quickly as an import. Which files these are is told by
 * size, time and inode, or else by their digests.
 */
export async function openDecoded(
  spec: PublishedSpec,
  found: Found,
  source: DataSource,
  options: WriteOptions,
): Promise<DataSource> {
  const root = join(cacheRoot(), 'decoded');
  const known = findUnchanged(root, spec, found);
  const files = known?.files ?? (await digestsOf(found, options.signal));
  const key = keyOf(spec, files);
  const folder = join(root, `${spec.name}-${key.slice(0, 16)}`);
  const before = await openKept(folder, spec, key, options.signal);
  if (before !== undefined) {
    if (known === undefined) quietly(() => writeKept(folder, { ...before.kept, files }));
    return before.source;
  }
  const decided = (await asOfficial(spec, source, options)) ?? source;
  const origin = decided.info.origin === 'official' ? 'official' : 'imported';
  const kept: Kept = { format: 1, key, origin, files };
  await keep(folder, spec, found, decided, kept, options).catch((error: unknown) => {
    // Where the disk takes nothing, or a file changes meanwhile, the images are decoded again the next time.
    if (!(error instanceof RethinkError) || isInterruption(error)) throw error;
  });
  prune(root);
  return decided;
}

async function digestsOf({ files }: Found, signal?: AbortSignal): Promise<Kept['files']> {
  const known: Kept['files'] = [];
  for (const { path, file } of files) {
    const found = fingerprint(path);
    if (found === undefined) continue;
    known.push({ file, ...found, sha256: await digestFile(path, 'sha256', signal) });
  }
  return known;
}

function fingerprint(path: string) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { bytes: found.size, mtimeMs: found.mtimeMs, inode: found.ino };
}

/** What images and verdict depend on: the files, what decodes them, and the authors' digests. */
function keyOf(spec: PublishedSpec, files: Kept['files']): string {
  const { name, height, width, channels, classes, counts } = spec;
  const shape = { name, height, width, channels, classes, counts };
  const digests = files.map(({ file, sha256 }) => [file, sha256]);
  return sha256(JSON.stringify([shape, binaryForm(spec)?.parts, decodedBy('exact'), digests]));
}

function findUnchanged(root: string, spec: PublishedSpec, found: Found): Kept | undefined {
  return foldersIn(root)
    .map((folder) => readKept(folder))
    .find((kept) => {
      if (kept?.files.length !== found.files.length || kept.key !== keyOf(spec, kept.files)) {
        return false;
      }
      return kept.files.every(({ file, bytes, mtimeMs, inode }, i) => {
        const now = fingerprint(found.files[i]!.path);
        const same = now?.bytes === bytes && now.mtimeMs === mtimeMs && now.inode === inode;
        return same && file === found.files[i]!.file;
      });
    });
}

function foldersIn(root: string): string[] {
  try {
    return readdirSync(root)
      .filter((name) => /^[\w-]+-[0-9a-f]{16}$/.test(name))
      .map((name) => join(root, name));
  } catch {
    // Nothing was ever kept, or nobody may look.
    return [];
  }
}

function readKept(folder: string): Kept | undefined {
  try {
    return keptSchema.parse(JSON.parse(readFileSync(join(folder, KEPT), 'utf8')));
  } catch {
    // Absent, damaged or of another version of this program: decoding makes it again.
    return undefined;
  }
}

function writeKept(folder: string, kept: Kept): void {
  writeFileAtomic(join(folder, KEPT), `${JSON.stringify(kept, null, 2)}\n`, 'dataset');
}

/** What is kept in a folder; `undefined` where it is something else, or damaged. */
async function openKept(
  folder: string,
  spec: PublishedSpec,
  key: string,
  signal: AbortSignal | undefined,
): Promise<{ kept: Kept; source: DataSource } | undefined> {
  const kept = readKept(folder);
  if (kept?.key !== key) return undefined;
  try {
    const { train, test } = await readManifest(folder);
    for (const { file, sha256 } of [train, test]) {
      if ((await digestFile(join(folder, file), 'sha256', signal)) !== sha256) return undefined;
    }
    const source = await storeSource(folder);
    const { origin } = kept;
    return { kept, source: { ...source, info: { ...source.info, name: spec.name, origin } } };
  } catch (error) {
    if (!(error instanceof RethinkError) || isInterruption(error)) throw error;
    return undefined;
  }
}

async function keep(
  folder: string,
  spec: PublishedSpec,
  { path }: Found,
  source: DataSource,
  kept: Kept,
  options: WriteOptions,
): Promise<void> {
  await withTemporaryFolder(folder, 'dataset', async (temporary) => {
    const from = { source: { name: path }, decoder: decodedBy('exact') };
    await writeStore(spec, allRecords(source, options.signal), from, temporary, options);
    writeKept(temporary, kept);
    replaceFolder(temporary, folder);
  });
}

/** Leaves those that were made last. */
function prune(root: string): void {
  const dated = foldersIn(root).map((folder) => {
    return { folder, time: statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  dated.sort((a, b) => b.time - a.time);
  for (const { folder } of dated.slice(MOST_KEPT)) removeQuietly(folder);
}
