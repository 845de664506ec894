import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { write } from '../data/helpers.js';

export const SCRIPTS = resolve(import.meta.dirname, '../../scripts');

/** The run directory that the fake below makes. */
export const RUN = 'name/20261124T000000Z-1a2b3c4d';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** An executable file. */
export function program(path: string, text: string): string {
  write(path, text);
  chmodSync(path, 0o755);
  return path;
}

/**
 * A rethink-gen that trains nothing: it writes its command line and GPU into `calls`, makes a run directory, does what
 * the config's name says (`fail`, `forever`), and ends with 143 when it is asked to stop, as the real one does.
 */
export function fakeRethinkGen(folder: string): {
  command: string;
  calls: () => string[];
  /** Of the last one started. */
  pid: () => number;
} {
  const log = join(folder, 'calls');
  const command = program(
    join(folder, 'rethink-gen'),
    `#!/usr/bin/env bash
trap 'echo checkpoint >>"${log}"; exit 143' TERM
[ "$1" = validate ] && { [ -f "$2" ] || { echo "error: There is no $2." >&2; exit 2; }; exit 0; }
echo $$ >"${folder}/pid"
if [ "$1" = run ]; then
  mkdir -p "$4/${RUN}"
  echo '{}' >"$4/${RUN}/status.json"
fi
echo "$* gpu=\${CUDA_VISIBLE_DEVICES-}" >>"${log}"
echo "output of $2"
case $2 in
  *fail*) exit 4 ;;
  *forever*) for ((i = 0; i < 400; i++)); do sleep 0.05; done ;;
esac
`,
  );
  const calls = () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []);
  const pid = () => Number(readFileSync(join(folder, 'pid'), 'utf8'));
  return { command, calls, pid };
}

/** Starts a program; `ended` resolves with all it wrote. */
export function start(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Waits until something holds; the test's own time limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}
