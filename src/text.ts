import stringWidth from 'string-width';

/** A number as a person reads it, whatever the machine's language: `50,000`; a dash for one that is not known. */
export function grouped(n: number | null | undefined): string {
  return n === null || n === undefined ? '–' : n.toLocaleString('en-US');
}

/** `1 run`, `2 runs`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Bytes as `1.5 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Bytes as people read them: `812 bytes`, `3.2 kB`, `1.5 GB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte');
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${['', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

/** A fraction as people read it: `99.90 %`; a dash for one that does not apply. */
export function percent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined ? '–' : `${(fraction * 100).toFixed(2)} %`;
}

/** A name from an archive or a disk, safe to print: quoted, control characters escaped, cut when long. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}

/** Names of many things, the first few of them: `"a", "b", … and 10,990 more`. */
export function named(names: readonly string[], most = 10): string {
  const shown = names.slice(0, most).map(quoted).join(', ');
  return names.length > most ? `${shown}, … and ${grouped(names.length - most)} more` : shown;
}

/** A text as one word of a POSIX shell, in quotes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Seconds as `8.2 s`, `3 min 20 s` or `2 h 5 min`; a dash where they are not known. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Seconds that are guessed, as roughly as they are known: `20 s`, `12 min`, `2 h 5 min`. */
export function roughly(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Columns that a text takes on a terminal: a Chinese character two, an accent of its own none. */
export const widthOf = (text: string): number =>
  // Nearly all of it, and much faster.
  /^[ -~]*$/.test(text) ? text.length : stringWidth(text);

/** Between words; a number and its unit are one. */
const GAP = /(?<!\d) | (?!(?:%|s|min|h|[kMGT]i?B)(?!\w))/;

/**
 * A text of one line in lines of at most `width` columns, broken between words; a word that is longer stays whole, so
 * that a path or a command can be copied. An indented line goes on further in than it began.
 *
 * @param breaks Whether such a word may be broken: in a cell of a table it has no other place to go.
 */
export function wrapped(text: string, width: number, breaks = false): string[] {
  if (widthOf(text) <= width) return [text];
  const indent = /^ */.exec(text)![0];
  const hanging = indent === '' ? '' : `${indent}  `;
  const words = text
    .slice(indent.length)
    .trimEnd()
    .split(GAP)
    .flatMap((word) => (breaks ? pieces(word, width) : [word]));
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of words) {
    const before = lines.length === 0 ? indent : hanging;
    if (line === undefined) line = before + word;
    else if (widthOf(`${line} ${word}`) <= width) line = `${line} ${word}`;
    else {
      lines.push(line.trimEnd());
      // Two blanks between words are none at the beginning of a line.
      line = word === '' ? undefined : hanging + word;
    }
  }
  return line === undefined ? lines : [...lines, line];
}

/** Lines, broken between words where they are wider than there is room. */
export function prose(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapped(line, width))
    .join('\n');
}

/** A text whose paragraphs of prose are as wide as there is room, and whose examples, indented lines, fit in. */
export function reflowed(text: string, width: number): string {
  const fitted = (paragraph: string) =>
    /^ /m.test(paragraph)
      ? listed(paragraph, width)
      : prose(paragraph.trim().replaceAll('\n', ' '), width);
  return text.split('\n\n').map(fitted).join('\n\n');
}

/** Lines of which the indented ones are commands or options, most with a note in a column behind them. */
export function listed(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => fittedItem(line, width))
    .join('\n');
}

/** A note in less room than this stands below its command. */
const NARROWEST_NOTE = 24;

const BELOW = ' '.repeat(6);

/** What is too wide goes on below: a command so that it can still be copied. */
function fittedItem(line: string, width: number): string[] {
  const [, command, gap, note] = /^( +\S.*?)(?:( {2,})(\S.*))?$/.exec(line) ?? [];
  if (widthOf(line) <= width || command === undefined) return wrapped(line, width);
  const commands = wrapped(command, width - 2);
  const whole = commands.map((part, i) => (i < commands.length - 1 ? `${part} \\` : part));
  if (note === undefined) return whole;
  const column = widthOf(command + gap);
  if (width - column < NARROWEST_NOTE) {
    return [...whole, ...wrapped(note, width - BELOW.length).map((part) => BELOW + part)];
  }
  const [first, ...others] = wrapped(note, width - column);
  return [`${command}${gap}${first}`, ...others.map((part) => ' '.repeat(column) + part)];
}

/** What a long word is broken after, the best first. */
const MARKS = [/[^/]*\/|[^/]+/g, /[^,=_-]*[,=_-]|[^,=_-]+/g, /./gsu];

/** A long word in pieces, after a mark that it has, or else anywhere. */
function pieces(word: string, width: number, marks = MARKS): string[] {
  const [mark, ...others] = marks;
  if (widthOf(word) <= width || mark === undefined) return [word];
  const lines: string[] = [];
  let line = '';
  for (const part of (word.match(mark) ?? []).flatMap((part) => pieces(part, width, others))) {
    if (line !== '' && widthOf(line + part) > width) {
      lines.push(line);
      line = '';
    }
    line += part;
  }
  return [...lines, line];
}

/** How long ago a time (ISO 8601) was: `12 s ago`; of another machine's clock, as it says. */
export function ago(time: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200
    ? `${Math.round(seconds / 60)} min ago`
    : `${Math.round(seconds / 3600)} h ago`;
}
