import { printable } from './errors.js';

/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]/u;
/** A number, as we write them: percent and thousands among them. */
const NUMBER = /^[+-]?(\d[\d,]*(\.\d*)?|\.\d+|infinity)(e[+-]?\d+)?( ?%)?$/i;

/** What ends a cell: our comma, the semicolon of spreadsheets in countries that write 0,5, and the quote around a cell. */
const MARKS = /[,;"]/;

/**
 * Lines of CSV (RFC 4180, with line feeds), for a spreadsheet or a data frame. Numbers are written in full, so that they
 * read back as the same bits; what does not apply (null, undefined) is empty; objects are JSON; of text no control
 * character is left, and nothing that a spreadsheet would compute.
 */
export function csvLines(rows: Iterable<readonly unknown[]>): string {
  return Array.from(rows, (row) => `${row.map(csvCell).join(',')}\n`).join('');
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = withoutFormula(typeof value === 'string' ? value : JSON.stringify(value));
  return MARKS.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Text as it stands in a table, before quotes: what would be computed gets an apostrophe before it, which a spreadsheet takes for 'this is text'. Behind a semicolon as
 * well: where that ends cells, quotes that don't begin one hold nothing together.
 */
export function withoutFormula(text: string): string {
  return printable(text)
    .split(';')
    .map((part) => (FORMULA.test(part) && !NUMBER.test(part) ? `'${part}` : part))
    .join(';');
}
