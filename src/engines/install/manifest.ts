import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { digestFile } from '../../disk/digest.js';
import { quietly, writeFileAtomic } from '../../disk/files.js';

const MANIFEST = 'manifest.json';

/** What a file was like when its digest was right: where size, time and inode are the same, so are the bytes. */
const checkedSchema = z.object({ sha256: z.string(), mtimeMs: z.number(), inode: z.number() });

const manifestSchema = z.looseObject({
  wheels: z.array(z.object({ file: z.string(), sha256: z.string() })),
  /** Size of each unpacked file, in bytes, by path. */
  files: z.record(z.string(), z.number()),
  /** Of the same files. Older versions kept sizes alone. */
  checked: z.record(z.string(), checkedSchema).default({}),
});
type Manifest = z.infer<typeof manifestSchema>;

/** SHA-256 of files by their path. */
export type Digests = Readonly<Record<string, string>>;

export type InstalledState =
  | { state: 'absent' }
  | { state: 'damaged'; file: string }
  | { state: 'whole'; files: string[]; wheels: Manifest['wheels']; manifest: Manifest };

/** Writes what was installed into `dir`; it is written last, so that a folder with a manifest was whole once. */
export function writeManifest(
  dir: string,
  installed: { versions: Record<string, string>; wheels: Manifest['wheels']; digests: Digests },
): void {
  const files: Manifest['files'] = {};
  const checked: Manifest['checked'] = {};
  for (const [path, sha256] of Object.entries(installed.digests)) {
    const { size, mtimeMs, ino } = statSync(join(dir, path));
    files[path] = size;
    checked[path] = { sha256, mtimeMs, inode: ino };
  }
  const manifest = { ...installed.versions, wheels: installed.wheels, files, checked };
  save(dir, manifest);
}

function save(dir: string, manifest: object): void {
  writeFileAtomic(join(dir, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, 'engine');
}

/**
 * What is installed in a folder. Files that are not what they were by size, time and inode, because a person, a backup or a
 * container's image moved them, are read: by their digests they are the same, or damaged.
 *
 * @param older What is known of an installation by a version that kept no digests: those of some files (of others, what is
 * there counts as right), and whether it kept no manifest either.
 */
export async function inspectInstalled(
  dir: string,
  older: { digests: Digests; withoutManifest?: boolean },
): Promise<InstalledState> {
  const manifest = readManifest(dir) ?? (older.withoutManifest ? foundFiles(dir) : undefined);
  if (manifest === undefined) return { state: 'absent' };
  let changed = false;
  for (const [path, size] of Object.entries(manifest.files)) {
    const found = statSync(join(dir, path), { throwIfNoEntry: false });
    if (found?.size !== size) return { state: 'damaged', file: path };
    const checked = manifest.checked[path];
    if (checked?.mtimeMs === found.mtimeMs && checked.inode === found.ino) continue;
    const expected = checked?.sha256 ?? older.digests[path];
    const digest = await digestFile(join(dir, path), 'sha256');
    if (expected !== undefined && digest !== expected) return { state: 'damaged', file: path };
    manifest.checked[path] = { sha256: digest, mtimeMs: found.mtimeMs, inode: found.ino };
    changed = true;
  }
  // A folder that may only be read is looked through again the next time.
  if (changed) quietly(() => save(dir, manifest));
  const { files, wheels } = manifest;
  return { state: 'whole', files: Object.keys(files), wheels, manifest };
}

function foundFiles(dir: string): Manifest | undefined {
  if (!existsSync(dir)) return undefined;
  const files: Manifest['files'] = {};
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const found = statSync(join(dir, name));
    if (found.isFile() && !name.startsWith('.')) files[name] = found.size;
  }
  return Object.keys(files).length === 0 ? undefined : { wheels: [], files, checked: {} };
}

function readManifest(dir: string): Manifest | undefined {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(join(dir, MANIFEST), 'utf8')));
  } catch {
    // Absent, damaged or of another version of this program: all mean that it has to be installed.
    return undefined;
  }
}
