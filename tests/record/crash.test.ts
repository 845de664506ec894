import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunDirectory } from '../../src/record/run-directory.js';
import { bundle } from '../helpers/child.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { eventsOf } from './events.js';
import { META, trainInto } from './fake-run.js';

let child: Awaited<ReturnType<typeof bundle>>;
let whole: Record<string, string>;

const FILES = [
  'config.json',
  'metrics.csv',
  'metrics.jsonl',
  'steps.csv',
  'checkpoints/last.safetensors',
  'checkpoints/best.safetensors',
  'examples/labels.safetensors',
  'examples/epoch-0001.safetensors',
  'examples/epoch-0002.safetensors',
];
const contents = (runDir: string) => ({
  ...Object.fromEntries(FILES.map((file) => [file, readFileSync(join(runDir, file), 'latin1')])),
  // In one file or in several: each number once.
  events: JSON.stringify(eventsOf(runDir).map(({ step, scalars }) => ({ step, scalars }))),
});

beforeAll(async () => {
  child = await bundle('tests/record/child.ts');
});
afterAll(() => child.remove());

async function startAndWait(...args: string[]): Promise<{ code: number | null; signal: string }> {
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  const [code, signal] = await once(
    spawn(process.execPath, [child.script, ...args], { stdio: [...stdio] }),
    'exit',
  );
  return { code, signal };
}

/** What a run leaves that nothing disturbs. */
function undisturbed(): Record<string, string> {
  const config = { seed: 1 };
  const directory = RunDirectory.create(temporaryFolder(), 'crash', META.configHash, { config });
  trainInto(directory);
  return contents(directory.path);
}

/** Resumes what a killed process left and compares; whether it had got as far as a run directory. */
async function resumeAndCompare(root: string, when: string): Promise<boolean> {
  whole ??= undisturbed();
  const runs = existsSync(join(root, 'crash')) ? readdirSync(join(root, 'crash')) : [];
  const visible = runs.filter((name) => !name.startsWith('.'));
  expect(visible.length, when).toBeLessThanOrEqual(1);
  for (const name of visible) {
    const directory = await RunDirectory.open(join(root, 'crash', name));
    expect(trainInto(directory), when).toEqual([]);
    expect(contents(directory.path), when).toEqual(whole);
    // A lock that was about to be taken is removed when it is old.
    const hidden = readdirSync(directory.path).filter((file) => /^\.(?!lock\.)/.test(file));
    expect(hidden, when).toEqual([]);
  }
  return visible.length === 1;
}

it('what a run leaves at any boundary is resumed to the same bytes', async () => {
  const [root, copies] = [temporaryFolder(), temporaryFolder()];
  expect(await startAndWait('copy', root, copies)).toEqual({ code: 0, signal: null });
  const all = readdirSync(copies);
  expect(all.length).toBeGreaterThan(80);
  const resumed: string[] = [];
  for (const n of all) {
    if (await resumeAndCompare(join(copies, n), `killed at boundary ${n}`)) resumed.push(n);
  }
  expect(resumed.length).toBeGreaterThan(60);
});

// Early, in the middle, late.
it.each([25, 48, 66])('a process killed at boundary %i is resumed to the same bytes', async (n) => {
  const root = temporaryFolder();
  expect(await startAndWait('crash', root, String(n))).toMatchObject({ signal: 'SIGKILL' });
  expect(await resumeAndCompare(root, 'killed')).toBe(true);
});
