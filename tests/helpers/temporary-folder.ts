import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, removed after the tests of the file: outside of tests too, for all of them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rethink-gen-'));
  made.push(folder);
  return folder;
}
