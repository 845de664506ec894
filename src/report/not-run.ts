import type { Config } from '../config/resolve.js';
import { commandsFor, trialsOf } from './command.js';
import { groupBy } from './groups.js';
import type { Table } from './tables/index.js';

/** The shipped configs that a table's rows are of, each with the overrides that it wants for some of them. */
const FILLED_BY: Record<string, string[][]> = {
  'table-1': [['paper/table1']],
  'table-2': [['paper/table2', 'data.dir=PATH']],
  'table-3': [
    ['paper/table3-mnist'],
    ['paper/table3-mnist', 'theory.ridge=0.1'],
    ['paper/table3-cifar10'],
    ['paper/table3-cifar10', 'theory.features=random-conv', 'theory.filters=32000'],
    [
      ...['paper/table3-cifar10', 'theory.features=random-conv', 'theory.filters=32000'],
      'theory.ridge=0.1',
    ],
  ],
  'table-4': [['paper/table4']],
};

/** What of a table of the paper was not run. */
export interface NotRun {
  title: string;
  /** Experiments that it has numbers of, each of which gives several. */
  count: number;
  missing: {
    /** What it is, in the words of the table's first columns: `Inception`, `crop + wd`, `true`. */
    heads: string[];
    commands: string[];
  }[];
  /** What the first of these words is: `model`. */
  by: string;
  /** Commands that run what is missing, and what else their configs hold. */
  commands: string[];
}

/** Finds what was not run of a table of the paper, with the commands that run it. */
export async function notRun({ id, title, columns, rows }: Table): Promise<NotRun> {
  // The last of the columns before the paper's number tells the numbers of an experiment apart.
  const heads = columns.indexOf('paper') - 1;
  const cells = groupBy(rows, (row) => row.cells.slice(0, heads).join('\n'));
  const open = [...cells.values()].filter((own) => own.every(({ asks }) => asks !== undefined));
  const shipped = await Promise.all((open.length > 0 ? FILLED_BY[id]! : []).map(configsOf));
  const wanted = new Set<string>();
  const missing: NotRun['missing'] = [];
  for (const [row] of open) {
    const from = shipped.find(({ configs }) => configs.some((config) => row!.asks!(config)));
    if (from) wanted.add(from.command);
    const runs = from?.configs.filter((config) => row!.asks!(config)) ?? [];
    const commands = await commandsFor({ runs: runs.map((config) => ({ config })) });
    missing.push({
      heads: row!.cells
        .slice(0, heads)
        .map((text, i) => (/^(yes|no)\b/.test(text) ? `${columns[i]} ${text}` : text)),
      commands: commands.map((command) => [command, ...(from?.path ?? [])].join(' ')),
    });
  }
  return { title, count: cells.size, missing, by: columns[0]!, commands: [...wanted] };
}

interface Shipped {
  command: string;
  configs: Config[];
  /** Where the images lie, which only their owner knows: for the commands of single rows, too. */
  path: string[];
}

async function configsOf([name, ...overrides]: string[]): Promise<Shipped> {
  return {
    command: ['rethink-gen run', name, ...overrides].join(' '),
    configs: (await trialsOf(name!, overrides)) ?? [],
    path: overrides.filter((override) => override.startsWith('data.dir=')),
  };
}
