import { Writable } from 'node:stream';
import { printable } from '../../errors.js';
import { prose, widthOf } from '../../text.js';
import type { Output } from '../context.js';

/** Milliseconds between two drawings: more often nobody reads. */
const PACE = 150;
/** Where a stream doesn't say how large it is. */
const COLUMNS = 80;
const ROWS = 24;

/** A terminal on which whatever is written is broken between words. */
export class Terminal extends Writable {
  readonly isTTY = true;

  constructor(protected readonly terminal: Output) {
    super({ decodeStrings: false });
  }

  get columns(): number {
    return this.terminal.columns ?? COLUMNS;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.put(String(chunk));
    // At once, as the terminal keeps the order: what waited here would be lost where the process ends.
    done();
  }

  protected put(text: string): void {
    this.terminal.write(prose(text, this.columns));
  }
}

/**
 * A terminal whose last lines are drawn anew again and again: bars. Whatever else is written to it, by whomever, goes above
 * them; so bars need not know of it, and nothing of them is left behind.
 */
export class Screen extends Terminal {
  /** As they stand on the terminal now. */
  private drawn: string[] = [];
  private wanted: string[] = [];
  private lastDrawing = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  /** Room for lines that are drawn anew: the terminal can't go back above its first row. */
  get room(): number {
    return Math.max(1, (this.terminal.rows ?? ROWS) - 2);
  }

  /** Shows these as the last lines, instead of those before; each must fit the width. None: takes them away. */
  show(lines: readonly string[]): void {
    this.wanted = lines.slice(-this.room).map(printable);
    const wait = this.lastDrawing + PACE - performance.now();
    if (lines.length === 0 || wait <= 0) this.draw();
    else this.timer ??= setTimeout(() => this.draw(), wait).unref();
  }

  protected override put(given: string): void {
    // What comes to get off the line of a `^C` finds that line wiped with the bars.
    const text = this.drawn.length === 0 ? given : given.replace(/^\n/, '');
    const above = `${this.wiped()}${prose(text, this.columns)}`;
    // Bars begin on a line of their own: an unfinished one stays as it is until it is finished.
    this.drawn = text.endsWith('\n') ? this.wanted : [];
    this.terminal.write(above + this.drawn.map((line) => `${line}\n`).join(''));
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastDrawing = performance.now();
    const wiped = this.wiped();
    this.drawn = this.wanted;
    const text = `${wiped}${this.drawn.map((line) => `${line}\n`).join('')}`;
    if (text !== '') this.terminal.write(text);
  }

  /** What wipes the lines drawn, and puts the cursor where they began. */
  private wiped(): string {
    // A terminal that was made narrower meanwhile has broken them.
    const rows = this.drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / this.columns)),
      0,
    );
    return rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`;
  }
}
