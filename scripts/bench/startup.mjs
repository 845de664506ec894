#!/usr/bin/env node
/**
 * Seconds from `rethink-gen run` to the first training step: cold, without any compiled program on the disk, and warm,
 * with what the cold start left there.
 *
 *   node scripts/bench/startup.mjs [CONFIG] [key.path=value …] [--rounds N] [--json]
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './ratios.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const POLL = 5;

/** A cache folder with the engines and data of this user's own, and nothing compiled. */
function coldCache(folder) {
  const own = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rethink-gen');
  const cache = join(folder, 'cache', 'rethink-gen');
  mkdirSync(cache, { recursive: true });
  for (const name of ['engines', 'data']) {
    mkdirSync(join(own, name), { recursive: true });
    symlinkSync(join(own, name), join(cache, name));
  }
  return join(folder, 'cache');
}

/** Starts a run and ends it after its first step; rejects with what it said if it ends before. */
async function firstStep(argv, cache, out) {
  const start = performance.now();
  const args = [join(ROOT, 'bin', 'rethink-gen.js'), 'run', ...argv, '--json', '--out', out];
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const runDir = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, run_dir } = JSON.parse(line);
      if (event === 'started') resolve(run_dir);
    });
  });
  const directory = await Promise.race([runDir, ended.then(() => undefined)]);
  while (directory !== undefined && child.exitCode === null) {
    if (steps(directory) > 0) {
      const seconds = (performance.now() - start) / 1000;
      child.kill('SIGKILL');
      await ended;
      return seconds;
    }
    await sleep(POLL);
  }
  throw new Error(`the run ended before its first step:\n${said.trimEnd()}`);
}

/** Steps that the run has written down. */
function steps(directory) {
  try {
    return readFileSync(join(directory, 'steps.csv'), 'utf8').trimEnd().split('\n').length - 1;
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '3' }, json: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (!(Number(values.rounds) >= 1)) throw new Error(`--rounds is '${values.rounds}'`);
  const isConfig = positionals[0] !== undefined && !positionals[0].includes('=');
  const argv = isConfig ? positionals : [join(ROOT, 'configs/random-labels.json'), ...positionals];
  const times = { cold: [], warm: [] };
  for (let round = 1; round <= Number(values.rounds); round++) {
    const folder = mkdtempSync(join(tmpdir(), 'rethink-gen-startup-'));
    try {
      const cache = coldCache(folder);
      for (const kind of Object.keys(times)) {
        times[kind].push(await firstStep(argv, cache, join(folder, 'results')));
        console.error(`round ${round}, ${kind}: ${times[kind].at(-1).toFixed(2)} s`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  for (const [kind, seconds] of Object.entries(times)) {
    const line = { event: 'startup', kind, seconds: median(seconds), rounds: seconds };
    const range = `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`;
    console.log(
      values.json ? JSON.stringify(line) : `${kind}  ${median(seconds).toFixed(2)} s  (${range})`,
    );
  }
}

main().catch((error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
