import { join } from 'node:path';
import { z } from 'zod';
import { ensureFolder, removeQuietly, writeFileAtomic } from '../disk/files.js';
import { readJson } from '../disk/json.js';
import { readOr } from '../errors.js';

/** Names in a folder of what the last report has written there. */
const WRITTEN = '.written.json';
const writtenSchema = z.array(z.string().regex(/^[a-z0-9-]+\.(svg|png|csv|md|tex)$/));

/** A folder that report after report writes files into, each of them whole. */
export class WrittenFolder {
  private readonly names = new Set<string>();

  /** @throws RethinkError (`failed`) where there can be no such folder. */
  constructor(readonly path: string) {
    ensureFolder(path);
  }

  write(name: string, body: string | Uint8Array): void {
    writeFileAtomic(join(this.path, name), body);
    this.keep(name);
  }

  /** Counts a file that was written otherwise as one of this report's. */
  keep(name: string): void {
    this.names.add(name);
  }

  /** Removes what an earlier report has written and this one has not: nobody else's files. */
  forgetOthers(): void {
    const path = join(this.path, WRITTEN);
    // Nothing is removed on the word of a list that is damaged, or missing.
    const earlier = readOr(() => readJson(path, writtenSchema), []);
    for (const name of earlier) if (!this.names.has(name)) removeQuietly(join(this.path, name));
    writeFileAtomic(path, `${JSON.stringify([...this.names])}\n`);
  }
}
