/** What went wrong, as the exit code says it. */
export type ErrorKind = 'failed' | 'usage' | 'data' | 'diverged' | 'interrupted' | 'busy' | 'lost';

const EXIT_CODES: Record<ErrorKind, number> = {
  failed: 1,
  usage: 2,
  data: 3,
  diverged: 4,
  interrupted: 130,
  // Another process has what this one wanted, or what this one had (EX_TEMPFAIL of sysexits.h).
  busy: 1,
  lost: 75,
};

/** 1 failed, 2 usage or config, 3 data missing or damaged, and so on. */
export const exitCodeOf = (kind: ErrorKind): number => EXIT_CODES[kind];

/**
 * The one error class of this project: an error a person can act on.
 *
 * `message` is one sentence that says what is wrong and quotes the bad value; `hint` says what would be right.
 * Anything that is thrown and is not a `RethinkError` is a bug of ours.
 */
export class RethinkError extends Error {
  override readonly name = 'RethinkError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  /** 1 failed or busy, 2 usage or config, 3 data missing or damaged, 4 diverged, 75 lost, 130 interrupted. */
  readonly exitCode: number;

  /**
   * @param message A list where it has more than one line: a line feed within one is a stranger's, and is escaped.
   * @param options.exitCode Another than that of its kind: of the signal that interrupted.
   */
  constructor(
    kind: ErrorKind,
    message: string | readonly string[],
    options: { hint?: string | undefined; cause?: unknown; exitCode?: number | undefined } = {},
  ) {
    const lines = typeof message === 'string' ? [message] : message;
    const { cause } = options;
    super(lines.map(printable).join('\n'), cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.hint = options.hint === undefined ? undefined : printable(options.hint);
    this.exitCode = options.exitCode ?? EXIT_CODES[kind];
  }
}

/** Whether an error is only the way an aborted signal came back. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof RethinkError) return error.kind === 'interrupted';
  return error instanceof Error && error.name === 'AbortError';
}

// Controls, halves of characters, and what turns the direction of text, ends a line of it or can't be seen in it.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A line with strangers' names in it (of files, classes, entries of archives, configs, packages), so that none of them can
 * write on a terminal what it likes, or begin a line of its own.
 */
export function printable(line: string): string {
  return line.replace(UNPRINTABLE, (c) => SHORT[c] ?? escaped(c.codePointAt(0)!));
}

/** The same of text whose line feeds are our own. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that says the same, and is fit for a terminal: its own escapes stop at U+001F. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (c) =>
    // What JSON itself puts between its parts.
    c === '\n' ? c : Array.from({ length: c.length }, (_, i) => escaped(c.charCodeAt(i))).join(''),
  );
}

/**
 * JSON whose strings are printable when they are read back: for a page, which would show what turns text around. Without
 * line feeds between its parts.
 */
export function jsonOfPrintable(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (c) => `\\${printable(c)}`);
}

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A handler that gives something else for what a person or a disk got wrong, and lets bugs go on. */
export function tolerate<T>(instead: (error: RethinkError) => T): (error: unknown) => T {
  return (error) => {
    if (error instanceof RethinkError) return instead(error);
    throw error;
  };
}

/** What `read` gives, or what stands in for it where a person or a disk got something wrong, which `tell` hears. */
export function readOr<T, U>(read: () => T, instead: U, tell?: (message: string) => void): T | U {
  try {
    return read();
  } catch (error) {
    tolerate(({ message }) => tell?.(message))(error);
    return instead;
  }
}

/** Anything that can be thrown, as plain values: fit for another process and for a table. */
export interface ErrorReport {
  kind: ErrorKind;
  message: string;
  hint: string | undefined;
  /** Nothing a person or a disk did: a bug of ours. */
  bug: boolean;
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof RethinkError) {
    return { kind: error.kind, message: error.message, hint: error.hint, bug: false };
  }
  if (isInterruption(error)) {
    return { kind: 'interrupted', message: messageOf(error), hint: undefined, bug: false };
  }
  // With where it happened, as it would be without a process in between.
  const message = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { kind: 'failed', message, hint: undefined, bug: true };
}

/** The error that was reported, to be thrown on this side. */
export function reportedError({ kind, message, hint, bug }: ErrorReport): Error {
  if (bug) return new Error(message);
  return new RethinkError(kind, message, hint === undefined ? {} : { hint });
}
