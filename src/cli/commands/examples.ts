import { type Command, Option } from 'commander';
import { csvLines } from '../../csv.js';
import { SCORE_NAMES, SCORES, type ScoreName } from '../../results/examples.js';
import type { RankedExample, Ranking } from '../../run/examples.js';
import { locateRun } from '../../sweep/locate.js';
import { grouped, percent, prose } from '../../text.js';
import type { CliContext } from '../context.js';
import { examplesOf, positiveInteger, RUN } from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { emit } from '../watch/json-events.js';

interface ExamplesFlags {
  top: number;
  by: ScoreName;
  changed?: 'true' | 'false';
  json?: boolean;
  csv?: boolean;
  out?: string;
}

/** `rethink-gen examples RUN` */
export function registerExamplesCommand(program: Command, context: CliContext): void {
  program
    .command('examples')
    .summary('training examples by how much a score suspects their labels')
    .description(
      'Lists the training examples of a run with record.examples, those first that a score suspects most of a wrong label, with when each was learned and forgotten. Scores and their sources: docs/examples.md.',
    )
    .argument('<run-dir>', RUN)
    .option('--top <n>', 'how many', positiveInteger, 50)
    .addOption(new Option('--by <score>', 'the score').choices(SCORE_NAMES).default('aum'))
    .addOption(
      new Option('--changed <which>', 'only those whose label was changed, or was not').choices([
        'true',
        'false',
      ]),
    )
    .addOption(new Option('--json', 'one line of JSON on stdout instead of text').conflicts('csv'))
    .option('--csv', 'a table with all scores on stdout')
    .option(
      '--out <file>',
      'write labels of the whole training set there, as a label file: those listed are suspected, and relabeled as predicted',
    )
    .addHelpText(
      'after',
      examplesOf('examples', [
        'latest --top 50 --by cumulative_loss',
        'results/noise --changed false',
        'latest --top 2000 --out labels.csv',
      ]),
    )
    .action(async (given: string, flags: ExamplesFlags) => {
      const { rankExamples } = await import('../../run/examples.js');
      const { by, top, changed, out } = flags;
      const ranking = rankExamples(locateRun(given, 'run'), {
        by,
        top,
        changed: changed === undefined ? undefined : changed === 'true',
        out,
      });
      if (flags.json) return emit(context, 'examples', ranking);
      const written = flags.csv
        ? rankingCsv(ranking)
        : rankingText(ranking, roomOf(context.stdout));
      context.stdout.write(written);
      if (out !== undefined) {
        context.stderr.write(
          `Labels of the training set, with ${grouped(ranking.examples.length)} suspected: ${shownPath(out)}\n`,
        );
      }
    });
}

function rankingCsv({ examples }: Ranking): string {
  const [first] = examples;
  if (first === undefined) return '';
  const columns = Object.keys(first) as (keyof RankedExample)[];
  return csvLines([columns, ...examples.map((row) => columns.map((column) => row[column]))]);
}

function rankingText(
  { by, epochs, count, changed, found, classes, examples }: Ranking,
  width: number,
): string {
  const name = (label: number) => classes[label] ?? String(label);
  const header = [
    'index',
    'given',
    'true',
    'predicted',
    by,
    'learned',
    'for good',
    'forgotten',
    'changed',
  ];
  const value = (row: RankedExample): string => {
    const given = row[by];
    if (given === null) return 'never';
    return Number.isInteger(given) ? String(given) : given.toPrecision(4);
  };
  const rows = examples.map((row) => [
    String(row.index),
    name(row.given_label),
    name(row.true_label),
    name(row.last_prediction),
    value(row),
    String(row.first_learned ?? 'never'),
    String(row.learned_for_good ?? 'never'),
    String(row.forgetting_events),
    row.changed ? 'yes' : 'no',
  ]);
  const { label, suspected } = SCORES[by];
  const told =
    found === null
      ? ''
      : ` It finds the changed ones with an area under the ROC curve of ${found.auroc.toFixed(4)} and a precision of ${percent(found.precision)}.`;
  const sentence = `${grouped(count)} training examples, ${grouped(changed)} with a changed label; ${grouped(epochs.length)} epochs. By ${label}, ${suspected} first.${told}`;
  const shown = table([header, ...rows], [1, 2, 3], { width, spare: [7, 6, 5], header: true });
  return `${Number.isFinite(width) ? prose(sentence, width) : sentence}\n\n${shown}`;
}
