import { printableJson } from '../../errors.js';
import { SCORE_NAMES, SCORES } from '../../results/examples.js';
import type { Confusion } from '../../results/predictions.js';
import { counted, grouped, percent } from '../../text.js';
import { Html, html } from '../html.js';
import { whatOf } from '../tables/runs.js';
import { FIGURED_RUNS, type PageExamples, type RunExamples, SHOWN_WRONG } from './index.js';
import type { MemorizationSummary, ShownPair } from './memorization.js';
import type { ShownExample } from './summary.js';

/** Classes of which a confusion is a table that can be read; of more, the worst pairs are a list. */
const MOST_CELLS = 12;
const MOST_PAIRS = 20;
/** Rows of accuracy by class. */
const MOST_CLASSES = 20;

/** The part of a page on single examples: a run in each fold, the first one open. */
export function examplesSection({ runs, leftOut, notes }: PageExamples): Html | false {
  if (runs.length === 0) return false;
  const unfigured = runs.filter(({ summary }) => summary !== null).length - FIGURED_RUNS;
  return html`${runs.map((run, i) => runHtml(run, i === 0))}${unfigured > 0 && html`<p class="note">Figures of examples are drawn of the first ${FIGURED_RUNS} runs, and not of ${unfigured} more.</p>`}${leftOut > 0 && html`<p class="note">${counted(leftOut, 'further run')} with examples left out: give rethink-gen report the folders of those that matter.</p>`}${notes.map((note) => html`<p class="note">${note}</p>`)}`;
}

function runHtml(given: RunExamples, open: boolean): Html {
  const { run, predictions, summary, memorization, notes } = given;
  const { classes = [] } = predictions ?? summary ?? memorization ?? {};
  const name = (label: number) => classes[label] ?? String(label);
  const grid = (title: string, split: 'train' | 'test', shown: readonly ShownExample[]) =>
    shown.length > 0 && gridHtml(title, split, shown, given.images, name);
  const wrong = (split: 'train' | 'test') =>
    (predictions?.[split]?.wrong ?? []).slice(0, SHOWN_WRONG).map((row) => ({
      ...row,
      given_label: row.given_label ?? row.true_label,
      note: `loss ${row.loss.toFixed(1)}`,
    }));
  return html`<details class="run-examples"${open && html` open`}><summary>${whatOf(run)}</summary>
${
  predictions !== null &&
  html`<p class="note">After epoch ${predictions.epoch}.</p>
<h4>Accuracy by class</h4>${byClass(predictions, name)}
<h4>Confusion</h4>${[
    confusionHtml('training set, given labels', predictions.train?.given, name),
    confusionHtml('training set, true labels', predictions.train?.true, name),
    confusionHtml('test set', predictions.test?.true, name),
  ]}`
}
${summary !== null && scoresHtml(given)}
${summary !== null && distributionHtml(summary.histograms)}
${[
  grid('Training images most confidently wrong', 'train', wrong('train')),
  grid('Test images most confidently wrong', 'test', wrong('test')),
  grid('Smallest area under the margin', 'train', summary?.suspected ?? []),
  grid('Of those with changed labels, fitted first', 'train', summary?.first ?? []),
  grid('Of those with changed labels, fitted last', 'train', summary?.last ?? []),
]}
${memorization !== null && memorizationHtml(memorization, given, name)}
${notes.map((note) => html`<p class="note">${note}</p>`)}
</details>
`;
}

type Named = (label: number) => string;
type GivenConfusion = Pick<Confusion, 'examples' | 'right' | 'pairs'> & {
  left_out?: { pairs?: number | undefined; examples?: number | undefined } | undefined;
};

function byClass(predictions: NonNullable<RunExamples['predictions']>, name: Named): Html {
  const known: [string, GivenConfusion | undefined][] = [
    ['train, given labels', predictions.train?.given],
    ['train, true labels', predictions.train?.true],
    ['test', predictions.test?.true],
  ];
  const columns = known.flatMap(([title, of]) => (of === undefined ? [] : [[title, of] as const]));
  const rate = ({ right, examples }: GivenConfusion, label: number) =>
    examples[label] ? right[label]! / examples[label] : Number.NaN;
  const test = columns.at(-1)?.[1];
  const labels = predictions.classes.map((_, label) => label);
  const rows =
    test === undefined || labels.length <= MOST_CLASSES
      ? labels
      : labels.sort((a, b) => rate(test, a) - rate(test, b)).slice(0, MOST_CLASSES);
  return html`<div class="scroll" tabindex="0"><table><thead><tr><th>class</th>${columns.map(([title]) => html`<th class="number">${title}</th>`)}</tr></thead><tbody>${rows.map(
    (label) =>
      html`<tr><th scope="row">${name(label)}</th>${columns.map(([, of]) => html`<td class="number">${of.examples[label] ? percent(rate(of, label)) : '–'}</td>`)}</tr>`,
  )}</tbody></table></div>
${rows.length < predictions.classes.length && html`<p class="note">The ${rows.length} of ${grouped(predictions.classes.length)} classes with the smallest test accuracy.</p>`}`;
}

function confusionHtml(title: string, of: GivenConfusion | undefined, name: Named): Html | false {
  if (of === undefined) return false;
  return of.examples.length <= MOST_CELLS
    ? matrixHtml(title, of, name)
    : pairsHtml(title, of, name);
}

/** Rows are labels, columns predictions; a cell is as dark as its share of the row. */
function matrixHtml(title: string, { examples, right, pairs }: GivenConfusion, name: Named): Html {
  const cells = examples.map((_, row) =>
    examples.map((_, column) => (row === column ? right[row]! : 0)),
  );
  pairs.label.forEach((label, i) => {
    const row = cells[label];
    if (row !== undefined && pairs.prediction[i]! in row)
      row[pairs.prediction[i]!] = pairs.count[i]!;
  });
  const shade = (n: number, row: number) => Math.ceil((9 * n) / Math.max(1, examples[row]!));
  return html`<div class="scroll" tabindex="0"><table class="confusion"><caption>${title}: label down, prediction across</caption><thead><tr><td></td>${examples.map((_, label) => html`<th scope="col"><span>${name(label)}</span></th>`)}</tr></thead><tbody>${cells.map(
    (counts, row) =>
      html`<tr><th scope="row">${name(row)}</th>${counts.map((n) => html`<td class="number s${shade(n, row)}">${grouped(n)}</td>`)}</tr>`,
  )}</tbody></table></div>
`;
}

function pairsHtml(
  title: string,
  { examples, pairs, left_out }: GivenConfusion,
  name: Named,
): Html {
  const rows = pairs.label.slice(0, MOST_PAIRS).map((label, i) => {
    const n = pairs.count[i]!;
    return html`<tr><td>${name(label)}</td><td>${name(pairs.prediction[i]!)}</td><td class="number">${grouped(n)}</td><td class="number">${percent(n / Math.max(1, examples[label] ?? 0))}</td></tr>`;
  });
  const others = pairs.label.length - rows.length + (left_out?.pairs ?? 0);
  return html`<div class="scroll" tabindex="0"><table><caption>${title}: what is taken for what most often</caption><thead><tr><th>label</th><th>prediction</th><th class="number">images</th><th class="number">of the label</th></tr></thead><tbody>${rows}</tbody></table></div>
${others > 0 && html`<p class="note">${counted(others, 'further pair')}.</p>`}`;
}

function scoresHtml({ summary }: RunExamples): Html {
  const { count, changed, epochs, found } = summary!;
  const head = html`<h4>Scores of examples</h4><p class="note">${counted(epochs.length, 'evaluated epoch')} of ${grouped(count)} training examples, ${grouped(changed)} with a changed label.</p>`;
  if (found === null)
    return html`${head}<p class="note">Where all labels or none are changed, there is nothing to be found.</p>`;
  const rows = SCORE_NAMES.map(
    (name) =>
      html`<tr><td>${SCORES[name].label}, ${SCORES[name].suspected} first</td><td class="number">${found[name].auroc.toFixed(4)}</td><td class="number">${percent(found[name].precision)}</td></tr>`,
  );
  return html`${head}<div class="scroll" tabindex="0"><table><caption>How well each score finds the changed labels</caption><thead><tr><th>score</th><th class="number">area under the ROC curve</th><th class="number">precision at their count</th></tr></thead><tbody>${rows}</tbody></table></div>
`;
}

/** Numbers for the page's own script: it makes a figure with a slider of them. */
function distributionHtml(histograms: object): Html {
  const json = printableJson(JSON.stringify(histograms)).replaceAll('<', '\\u003c');
  return new Html(`<script type="application/json" class="histograms">${json}</script>`);
}

const OF_STRANGERS =
  'Each image with its given label, the class that most members predict of those that were not trained on it, and its score with its standard error.';

function memorizationHtml(
  { most, unchanged, pairs, found, count, changed }: MemorizationSummary,
  { images }: RunExamples,
  name: Named,
): Html {
  const grid = (title: string, shown: readonly ShownExample[]) =>
    shown.length > 0 && gridHtml(title, 'train', shown, images, name);
  const pair = ({ train, test, influence, error }: ShownPair) =>
    html`<li>${image(images.get('train', train.index), `training image ${train.index}`)}${image(images.get('test', test.index), `test image ${test.index}`)}<span>${labeled(train, name)} → ${name(test.label)}</span><span class="faint">no. ${train.index} → ${test.index}, ${influence.toFixed(2)} ± ${error.toFixed(2)}</span></li>`;
  return html`<p class="note">Scores of ${grouped(count)} training examples, ${grouped(changed)} with a changed label. ${OF_STRANGERS}</p>
${grid('Memorized most', most)}
${grid('Memorized most, of those with the label as it was', unchanged)}
${pairs.length > 0 && html`<h4>Greatest influence</h4><p class="note">A memorized training image, and a test image that fewer members get right without it: the difference, with its standard error. Pairs that reach the threshold: ${grouped(found)}; each test image is shown once. How many reach it by chance is among the findings.</p><ul class="grid">${pairs.map(pair)}</ul>`}`;
}

const image = (uri: string | undefined, alt: string) =>
  uri !== undefined && html`<img alt="${alt}" src="${uri}">`;

/** The given label, and the true one where it is another. */
const labeled = ({ given_label, true_label }: ShownExample, name: Named) =>
  html`<b>${name(given_label)}</b>${true_label === given_label ? '' : ` (true: ${name(true_label)})`}`;

function gridHtml(
  title: string,
  split: 'train' | 'test',
  shown: readonly ShownExample[],
  images: RunExamples['images'],
  name: Named,
): Html {
  const item = (example: ShownExample) => {
    const { index, true_label, prediction, note } = example;
    const alt = `${name(true_label)}, ${split} image ${index}`;
    const predicted = prediction < 0 ? '' : `as ${name(prediction)}`;
    return html`<li>${image(images.get(split, index), alt)}<span>${labeled(example, name)}</span><span>${predicted}</span><span class="faint">no. ${index}, ${note}</span></li>`;
  };
  return html`<h4>${title}</h4><ul class="grid">${shown.map(item)}</ul>
`;
}
