import { spawn } from 'node:child_process';
import { RethinkError } from '../errors.js';

export interface ProcessResult {
  code: number | null;
  stdout: string;
  stderr: string;
  /** The program isn't there at all. */
  missing: boolean;
}

/**
 * Runs a program to its end without a shell. Never throws for what the program does; only an abort is an error,
 * after the program was stopped.
 */
export async function runProcess(
  command: string,
  args: string[],
  options: {
    env?: NodeJS.ProcessEnv;
    signal?: AbortSignal | undefined;
    onStdout?(text: string): void;
  } = {},
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) {
      reject(interrupted(command));
      return;
    }
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
    });
    const stop = () => child.kill('SIGTERM');
    options.signal?.addEventListener('abort', stop);
    // Without this a Ctrl-C that ends this process at once would leave the child downloading.
    process.on('exit', stop);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const done = (result: Partial<ProcessResult>) => {
      options.signal?.removeEventListener('abort', stop);
      process.off('exit', stop);
      if (options.signal?.aborted) reject(interrupted(command));
      else resolve({ code: null, stdout, stderr, missing: false, ...result });
    };
    child.on('error', (error: NodeJS.ErrnoException) =>
      done({ missing: error.code === 'ENOENT', stderr: error.message }),
    );
    child.on('close', (code) => done({ code }));
  });
}

function interrupted(command: string): RethinkError {
  return new RethinkError('interrupted', `Interrupted while ${command} was running.`, {
    hint: 'Nothing was left half-done: run the same command again.',
  });
}
