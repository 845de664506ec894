import { printable } from '../../errors.js';
import { counted } from '../../text.js';
import { version } from '../../version.js';
import { kindOf } from './html.js';
import { isMeasured, type Row, type Table } from './types.js';

/** Columns of prose: they become notes below the table, a verdict with its reasons. */
const NOTES = ['verdict', 'because', 'conditions'];

/**
 * Tables for a paper, as LaTeX with booktabs alone: what was measured of them, each number with what it is of, and below it
 * the reasons and conditions of the verdicts.
 */
export function latexTables(tables: readonly Table[]): string {
  const measured = tables.filter((table) => isMeasured(table) && table.rows.length > 0);
  return [
    `% Written by rethink-gen ${version}. \\usepackage{booktabs}, then \\input this file.`,
    '% Held against Zhang, Bengio, Hardt, Recht, Vinyals: Understanding deep learning requires rethinking generalization.',
    ...measured.map(latexTable),
    '',
  ].join('\n');
}

function latexTable({ id, title, note, columns, rows }: Table): string {
  const shown = columns.flatMap((name, i) => (NOTES.includes(name) ? [] : [i]));
  const cellOf = (cells: readonly string[], name: string) => cells[columns.indexOf(name)] ?? '';
  const told: string[] = [];
  const mark = (text: string) => {
    if (!told.includes(text)) told.push(text);
    return told.indexOf(text) + 1;
  };
  const line = ({ cells }: Row) => {
    const [verdict = '', because = '', conditions = ''] = NOTES.map((name) => cellOf(cells, name));
    const reasons = [verdict, because].filter(Boolean).join(': ');
    const notes = [reasons, conditions].filter(Boolean).map(mark);
    const last = notes.length === 0 ? '' : `\\textsuperscript{${notes.join(',')}}`;
    return `${shown.map((i) => latexText(cells[i]!)).join(' & ')}${last} \\\\`;
  };
  const body = rows.filter(({ verdict }) => verdict !== 'not-run').map(line);
  const left = rows.length - body.length;
  const missing = left === 0 ? '' : ` Not run, and left out: ${counted(left, 'row')}.`;
  const align = shown.map((i) => (kindOf(columns[i]!) === 'number' ? 'r' : 'l')).join('');
  return [
    '',
    '\\begin{table}',
    '\\centering\\scriptsize',
    '\\setlength{\\tabcolsep}{3pt}',
    `\\caption{${latexText(title)}}`,
    `\\label{tab:rethink-gen-${id}}`,
    `\\begin{tabular}{${align}}`,
    '\\toprule',
    `${shown.map((i) => latexText(columns[i]!)).join(' & ')} \\\\`,
    '\\midrule',
    ...body,
    '\\bottomrule',
    '\\end{tabular}',
    '',
    '\\medskip\\raggedright',
    latexText(note + missing),
    ...told.map((text, i) => `\\textsuperscript{${i + 1}}\\,${latexText(text)}.`),
    '\\end{table}',
  ].join('\n');
}

/** What LaTeX gives a meaning of its own, and letters and signs beyond ASCII that tables use. */
const SIGNS: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  $: '\\$',
  '&': '\\&',
  '#': '\\#',
  _: '\\_',
  '%': '\\%',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': "{''}",
  '`': '{`}',
  '[': '{[}',
  ']': '{]}',
  '*': '{*}',
  '‘': '`',
  '’': "'",
  '“': '``',
  '”': "''",
  '–': '--',
  '−': '$-$',
  '×': '$\\times$',
  '±': '$\\pm$',
  '≥': '$\\geq$',
  '≤': '$\\leq$',
  '≈': '$\\approx$',
  '→': '$\\rightarrow$',
  '°': '$^{\\circ}$',
  '†': '$\\dagger$',
  '…': '\\dots{}',
  '·': '$\\cdot$',
  '²': '$^{2}$',
  ᵀ: '$^{\\top}$',
  ℓ: '$\\ell$',
  ε: '$\\varepsilon$',
  λ: '$\\lambda$',
  α: '$\\alpha$',
  β: '$\\beta$',
};

/** A text as LaTeX prints it, on one line: nothing in it is a command, and what pdfLaTeX has no letter for is told by its code. */
export function latexText(text: string): string {
  const line = printable(text.replace(/\s+/g, ' '));
  return Array.from(line, (sign, i) => {
    // Two hyphens would become a dash.
    if (sign === '-' && line[i + 1] === '-') return '{-}';
    if (Object.hasOwn(SIGNS, sign)) return SIGNS[sign];
    const code = sign.codePointAt(0)!;
    if (code < 0x7f) return sign;
    return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  }).join('');
}
