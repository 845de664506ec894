import { type Command, Option } from 'commander';
import { csvLines } from '../../csv.js';
import { type Detection, SCORE_NAMES, SCORES, type ScoreName } from '../../results/examples.js';
import type { RankedExample, Ranking } from '../../run/examples.js';
import type { MemorizedRanking } from '../../run/memorized.js';
import { locateRun } from '../../sweep/locate.js';
import { grouped, percent, prose } from '../../text.js';
import type { CliContext } from '../context.js';
import { examplesOf, positiveInteger, RUN } from '../options.js';
import { roomOf, shownPath, table } from '../show/table.js';
import { emit } from '../watch/json-events.js';

/** The score of `experiment: memorization`, which a run of its own has. */
const MEMORIZATION = 'memorization';

interface ExamplesFlags {
  top: number;
  by?: ScoreName | typeof MEMORIZATION;
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
      'Lists the training examples of a run with record.examples, those first that a score suspects most of a wrong label, with when each was learned and forgotten; or those of experiment: memorization, the most memorized first. Scores and their sources: docs/examples.md, docs/memorization.md.',
    )
    .argument('<run-dir>', RUN)
    .option('--top <n>', 'how many', positiveInteger, 50)
    .addOption(
      new Option(
        '--by <score>',
        'the score (default: aum, or memorization of such an experiment)',
      ).choices([...SCORE_NAMES, MEMORIZATION]),
    )
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
        'results/memorization --by memorization',
      ]),
    )
    .action(async (given: string, flags: ExamplesFlags) => {
      const ranking = await rank(locateRun(given, 'run'), flags);
      if (flags.json) return emit(context, 'examples', ranking);
      const width = roomOf(context.stdout);
      const text = () =>
        ranking.by === MEMORIZATION ? memorizedText(ranking, width) : rankingText(ranking, width);
      context.stdout.write(flags.csv ? rankingCsv(ranking.examples) : text());
      if (flags.out !== undefined) {
        context.stderr.write(
          `Labels of the training set, with ${grouped(ranking.examples.length)} suspected: ${shownPath(flags.out)}\n`,
        );
      }
    });
}

async function rank(
  runDir: string,
  { by, top, changed, out }: ExamplesFlags,
): Promise<Ranking | MemorizedRanking> {
  const { hasMemorization } = await import('../../record/memorization.js');
  const score = by ?? (hasMemorization(runDir) ? MEMORIZATION : 'aum');
  const options = { top, changed: changed === undefined ? undefined : changed === 'true', out };
  if (score === MEMORIZATION) {
    const { rankMemorized } = await import('../../run/memorized.js');
    return rankMemorized(runDir, options);
  }
  const { rankExamples } = await import('../../run/examples.js');
  return rankExamples(runDir, { by: score, ...options });
}

function rankingCsv(examples: readonly object[]): string {
  const [first] = examples;
  if (first === undefined) return '';
  const rows = examples.map((row) => Object.values(row) as unknown[]);
  return csvLines([Object.keys(first), ...rows]);
}

function memorizedText(
  { count, changed, without_score, found, classes, examples }: MemorizedRanking,
  width: number,
): string {
  const name = (label: number | null) => (label === null ? '–' : (classes[label] ?? String(label)));
  const number = (value: number | null) => (value === null ? '–' : value.toFixed(3));
  const header = [
    'index',
    'given',
    'true',
    'predicted',
    MEMORIZATION,
    'std. error',
    'acc. in',
    'acc. out',
    'in',
    'out',
    'changed',
  ];
  const rows = examples.map((row) => [
    String(row.index),
    name(row.given_label),
    name(row.true_label),
    name(row.prediction_out),
    number(row.memorization),
    number(row.standard_error),
    number(row.accuracy_in),
    number(row.accuracy_out),
    String(row.members_in),
    String(row.members_out),
    row.changed ? 'yes' : 'no',
  ]);
  const without = without_score === 0 ? '' : ` ${grouped(without_score)} have no score.`;
  const sentence = `${grouped(count)} training examples, ${grouped(changed)} with a changed label.${without} Predicted: by most members that were not trained on the example.${toldFound(found)}`;
  const shown = table([header, ...rows], [1, 2, 3], { width, spare: [9, 8, 7, 6], header: true });
  return `${Number.isFinite(width) ? prose(sentence, width) : sentence}\n\n${shown}`;
}

const toldFound = (found: Detection | null) =>
  found === null
    ? ''
    : ` It finds the changed ones with an area under the ROC curve of ${found.auroc.toFixed(4)} and a precision of ${percent(found.precision)}.`;

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
  const sentence = `${grouped(count)} training examples, ${grouped(changed)} with a changed label; ${grouped(epochs.length)} epochs. By ${label}, ${suspected} first.${toldFound(found)}`;
  const shown = table([header, ...rows], [1, 2, 3], { width, spare: [7, 6, 5], header: true });
  return `${Number.isFinite(width) ? prose(sentence, width) : sentence}\n\n${shown}`;
}
