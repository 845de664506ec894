import { createInterface } from 'node:readline';
import type { Output } from './context.js';

/** Asks whoever sits at the terminal; `null` where there is none, or the input ends. */
export async function askOnTerminal(question: string, stderr: Output): Promise<string | null> {
  const { stdin } = process;
  if (!stdin.isTTY || !stderr.isTTY) return null;
  stderr.write(question);
  // Not as a terminal of its own: Ctrl-C is then the signal that it is everywhere.
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    return await new Promise<string | null>((answer) => {
      lines.once('line', answer);
      lines.once('close', () => answer(null));
    });
  } finally {
    lines.close();
    stdin.unref?.();
  }
}
