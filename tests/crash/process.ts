import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const BIN = resolve('bin/rethink-gen.js');
const HOOK = pathToFileURL(resolve('tests/crash/kill-hook.js')).href;
const POLL_MS = 2;

/** How a process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  seconds: number;
  stderr: string;
}

/** When to kill a process, if at all: at its n-th change of the disk, or after a time, with SIGKILL or a milder one. */
export type Kill =
  | { boundary: number }
  /** Milliseconds from its start, or from when its run directory was there. */
  | { after: number; from: 'start' | 'directory'; signal?: NodeJS.Signals };

/** Runs the real command line, in a process of its own, and kills it when it is told to. */
export async function commandLine(
  argv: string[],
  options: { kill?: Kill; out: string; env?: Record<string, string> },
): Promise<Ended> {
  const { kill } = options;
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env, RETHINK_GEN_NO_INSTALL: '1' };
  if (kill !== undefined && 'boundary' in kill) env.KILL_AT = String(kill.boundary);
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', HOOK, BIN, ...argv, '--quiet'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exit = once(child, 'exit');
  const timer = kill !== undefined && 'after' in kill ? killLater(child, kill, options.out) : null;
  const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
  timer?.stop();
  return { code, signal, seconds: (performance.now() - start) / 1000, stderr };
}

function killLater(
  child: { kill(signal: NodeJS.Signals): boolean },
  { after, from, signal = 'SIGKILL' }: Extract<Kill, { after: number }>,
  out: string,
): { stop(): void } {
  let timer: NodeJS.Timeout;
  const killAfter = () => {
    timer = setTimeout(() => child.kill(signal), after);
  };
  const poll = () => {
    if (runDirectories(out).length > 0) killAfter();
    else timer = setTimeout(poll, POLL_MS);
  };
  if (from === 'start') killAfter();
  else poll();
  return { stop: () => clearTimeout(timer) };
}

/** The run directories under the root of runs called `crash`. */
export function runDirectories(out: string): string[] {
  const parent = join(out, 'crash');
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(parent, name));
}
