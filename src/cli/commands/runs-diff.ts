import type { Command } from 'commander';
import { DIFF_PARTS, type Difference, type DiffPart, diffRuns } from '../../record/listing/diff.js';
import { textOf } from '../../results/condition.js';
import { locateRun } from '../../sweep/locate.js';
import { duration, grouped, percent } from '../../text.js';
import type { CliContext } from '../context.js';
import { RUN } from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { emit } from '../watch/json-events.js';

const EXAMPLES = `
Examples:
  rethink-gen runs diff latest 1a2b3c
  rethink-gen runs diff mlp inception --all
  rethink-gen runs diff 1a2b3c 5d6e7f --json`;

interface DiffFlags {
  all?: boolean;
  json?: boolean;
}

/** `rethink-gen runs diff A B` */
export function registerRunsDiff(parent: Command, context: CliContext): void {
  parent
    .command('diff')
    .summary('two runs side by side')
    .description('Says how two runs differ: config, environment, results.')
    .argument('<a>', RUN)
    .argument('<b>', 'the other one')
    .option('--all', 'also what they agree in')
    .option('--json', 'one line of JSON on stdout instead of text')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, flags: DiffFlags) => diff(a, b, flags, context));
}

async function diff(a: string, b: string, flags: DiffFlags, context: CliContext): Promise<void> {
  const found = await diffRuns(locateRun(a, 'run'), locateRun(b, 'run'), flags.all);
  const [first, second] = found.runs;
  if (flags.json) {
    const part = (name: DiffPart) =>
      Object.fromEntries(found[name].map(({ key, a, b }) => [key, { a: a ?? null, b: b ?? null }]));
    const parts = Object.fromEntries(DIFF_PARTS.map((name) => [name, part(name)]));
    emit(context, 'difference', { a: first.path, b: second.path, ...parts });
    return;
  }
  const width = roomOf(context.stdout);
  const runs = [
    ['', 'a', 'b'],
    ['run', shownPath(first.path), shownPath(second.path)],
  ];
  const parts = DIFF_PARTS.map((name) => partTable(name, found[name], width));
  context.stdout.write([table(runs, [1, 2], { width, header: true }), ...parts].join('\n'));
}

const SAME: Record<DiffPart, string> = {
  config: 'The configs agree.',
  environment: 'The environments agree.',
  results: 'The results agree.',
};

function partTable(name: DiffPart, rows: readonly Difference[], width: number): string {
  if (rows.length === 0) return `${SAME[name]}\n`;
  const numbers = name === 'results';
  const header = [name, 'a', 'b', ...(numbers ? ['b − a'] : [])];
  const cells = rows.map(({ key, a, b }) => [
    key,
    told(key, a),
    told(key, b),
    ...(numbers ? [difference(key, a, b)] : []),
  ]);
  return table([header, ...cells], numbers ? [] : [1, 2], { width, header: true });
}

const isFraction = (key: string) => /(_accuracy|_gap|label_noise)$/.test(key);

function told(key: string, value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value !== 'number') return textOf(value);
  if (isFraction(key)) return percent(value);
  if (/seconds$/.test(key)) return duration(value);
  // Seeds and other names are no amounts.
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function difference(key: string, a: unknown, b: unknown): string {
  if (typeof a !== 'number' || typeof b !== 'number' || /(^|\.)epoch$|step$/.test(key)) return '';
  const by = b - a;
  const amount = isFraction(key)
    ? percent(Math.abs(by))
    : Number.isInteger(by)
      ? grouped(Math.abs(by))
      : String(Number(Math.abs(by).toPrecision(3)));
  return by === 0 ? '0' : `${by < 0 ? '−' : '+'}${amount}`;
}
