import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** The rooms of src, from the top floor down, as CONTRIBUTING.md draws them; a file beside them is the ground. */
const FLOORS =
  'cli sweep run theory bench report setup record measures train batches results corrupt data engines models net disk machine config';

const rooms = FLOORS.split(' ');
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('src', path));

/** The files of src that each one imports: statically, dynamically, and for types alone. */
const imports = new Map(
  files.map((file) => [
    file,
    ts
      .preProcessFile(readFileSync(file, 'utf8'))
      .importedFiles.filter(({ fileName }) => /^\..*(?<!\.css)$/.test(fileName))
      .map(({ fileName }) => normalize(join(dirname(file), fileName)).replace(/\.js$/, '.ts')),
  ]),
);

/** 0 is the top floor. The library's index is the roof. */
function floorOf(file: string): number {
  if (file === join('src', 'index.ts')) return -1;
  const room = file.split('/')[1]!;
  return room.endsWith('.ts') ? rooms.length : rooms.indexOf(room);
}

/** A path along imports from a file back to itself, if there is one. */
function circle(file: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [file];
  for (const from of queue) {
    for (const to of imports.get(from)!) {
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, from);
      queue.push(to);
    }
  }
  if (!cameFrom.has(file)) return undefined;
  const path = [file];
  do path.unshift(cameFrom.get(path[0]!)!);
  while (path[0] !== file);
  return path;
}

describe('the rooms of src', () => {
  it('are those of the plan, and every import leads to a file of theirs', () => {
    expect([...new Set(files.map(floorOf))].sort((a, b) => a - b)).toEqual(
      Array.from({ length: rooms.length + 2 }, (_, i) => i - 1),
    );
    const all = [...imports.values()].flat();
    expect(all.length).toBeGreaterThan(files.length);
    expect(all.filter((path) => !files.includes(path))).toEqual([]);
  });

  it('import from their own and from lower floors alone', () => {
    const upward = [...imports].flatMap(([from, targets]) =>
      targets.filter((to) => floorOf(to) < floorOf(from)).map((to) => `${from} imports ${to}`),
    );
    expect(upward).toEqual([]);
  });

  it('hold no circle of imports', () => {
    expect(files.map(circle).filter((path) => path !== undefined)).toEqual([]);
  });
});
