import { Writable } from 'node:stream';
import { type LogFn, type Logger, pino } from 'pino';
import { build as pretty } from 'pino-pretty';
import { printable, printableJson, printableLines } from '../../errors.js';
import type { CliContext, Output } from '../context.js';

export interface LogOptions {
  /** JSON lines instead of text for people. */
  json: boolean;
  /** Nothing at all: errors are told by the exit, not by the log. */
  quiet: boolean;
}

/** Messages for people while something runs, on stderr: text, or JSON with `--json`. */
export function createLog({ stderr }: CliContext, options: LogOptions): Logger {
  const lines = lineStream(stderr, options.json ? printableJson : printableLines);
  const base = { level: options.quiet ? 'silent' : 'info', base: null };
  if (options.json) return pino({ ...base, timestamp: pino.stdTimeFunctions.isoTime }, lines);
  const prettified = pretty({
    colorize: false,
    ignore: 'pid,hostname,level,time',
    // Levels and times are for logs that are kept; a person who watches needs the sentence.
    messageFormat: '{msg}',
    destination: lines,
    sync: true,
  });
  return pino({ ...base, hooks: { logMethod } }, prettified);
}

/** One message, one line: what a stranger's name has in it can't begin another. */
function logMethod(this: Logger, args: unknown[], method: LogFn): void {
  method.apply(this, args.map((arg) => (typeof arg === 'string' ? printable(arg) : arg)) as never);
}

function lineStream(stderr: Output, shown: (line: string) => string): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      stderr.write(shown(String(line)));
      done();
    },
  });
}
