import { createArrayCsvStringifier } from 'csv-writer';
import { printable } from './errors.js';

/** What a spreadsheet takes for the beginning of a formula. */
const FORMULA = /^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]/u;
/** A number, as we write them: percent and thousands among them. */
const NUMBER = /^[+-]?(\d[\d,]*(\.\d*)?|\.\d+|infinity)(e[+-]?\d+)?( ?%)?$/i;

/** Quotes what has a comma or a quote in it. */
const plain = createArrayCsvStringifier({});
const quoted = createArrayCsvStringifier({ alwaysQuote: true });

/**
 * Lines of CSV (RFC 4180, with line feeds), for a spreadsheet or a data frame. Numbers are written in full, so that they
 * read back as the same bits; what does not apply (null, undefined) is empty; objects are JSON; of text no control
 * character is left, and nothing that a spreadsheet would compute. A line with a semicolon has all its cells in quotes:
 * spreadsheets in countries that write 0,5 end cells there.
 */
export function csvLines(rows: Iterable<readonly unknown[]>): string {
  return Array.from(rows, (row) => {
    const cells = row.map(csvCell);
    const writer = cells.some((cell) => cell.includes(';')) ? quoted : plain;
    return writer.stringifyRecords([cells]);
  }).join('');
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return withoutFormula(typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * Text as it stands in a table, before quotes: what would be computed gets an apostrophe before it, which a spreadsheet
 * takes for 'this is text'. Behind a semicolon as well: where that ends cells, quotes that don't begin one hold nothing
 * together.
 */
export function withoutFormula(text: string): string {
  return printable(text)
    .split(';')
    .map((part) => (FORMULA.test(part) && !NUMBER.test(part) ? `'${part}` : part))
    .join(';');
}
