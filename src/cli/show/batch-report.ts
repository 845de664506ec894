import type { Config } from '../../config/resolve.js';
import { pngOf, sheetOf, type Tile } from '../../data/inspect/sheet.js';
import { corruptionLabel } from '../../report/describe.js';
import { htmlDocument } from '../../report/document.js';
import { type Html, html } from '../../report/html.js';
import { type ShownBatch, type ShownExample, WHITENED_RANGE } from '../../run/show-batch.js';
import { grouped, percent } from '../../text.js';
import { table } from './table.js';

/** A batch, and the config whose it is. */
export interface BatchOf {
  config: Config;
  batch: ShownBatch;
}

/** The views of an example, in order, and what is said of each. */
const VIEWS = {
  original: 'in the data set',
  image: 'in its batch',
  whitened: 'whitened',
} as const satisfies Partial<Record<keyof ShownExample, string>>;
const NAMES = Object.keys(VIEWS) as (keyof typeof VIEWS)[];

function factsOf({ config, batch }: BatchOf): [string, string][] {
  const { info, size, train, batchSize, stepsPerEpoch } = batch;
  const { augment, mixup } = config.regularization;
  const view = `${size.height}×${size.width}×${size.channels}`;
  return [
    ['data set', info.name],
    ['trained on', `${grouped(train.count)} examples`],
    ['corruption', corruptionLabel(config.corruption)],
    [
      'labels',
      `${grouped(train.drawn)} drawn anew, ${grouped(train.changed)} changed (${percent(train.changed / train.count)})`,
    ],
    ['image', `${view}, of ${info.height}×${info.width}`],
    ['augmentation', augmentLabel(augment)],
    ...mixupFact(mixup),
    ['batches', `${grouped(stepsPerEpoch)} of ${grouped(batchSize)} in an epoch`],
    ['seeds', `data ${config.seeds.data}, corruption ${config.seeds.corruption}`],
  ];
}

/** Mixtures are made where the network is: none of them is here to be shown. */
function mixupFact(alpha: number | undefined): [string, string][] {
  if (alpha === undefined) return [];
  return [['mixup', `α ${alpha}: the engine mixes whitened images in pairs, which is not shown`]];
}

/** `crop, flip, rotation 25`: what is switched on, by its key. */
function augmentLabel(augment: Config['regularization']['augment']): string {
  const parts = Object.entries(augment).flatMap(([key, value]) => {
    if (typeof value === 'boolean') return value ? [key] : [];
    return value > 0 ? [`${key} ${Number(value.toPrecision(3))}`] : [];
  });
  return parts.length === 0 ? 'none: center crop' : parts.join(', ');
}

/** What is shown, and a row for each example: its place in the epoch, and its labels. */
export function batchReport(shown: BatchOf, pictures: readonly string[], width: number): string {
  const { info, examples } = shown.batch;
  const facts = [...factsOf(shown), ...pictures.map((path) => ['picture', path])];
  const rows = examples.map((example, i) => [
    String(i),
    grouped(example.index),
    info.classes[example.trueLabel]!,
    info.classes[example.label]!,
    changeOf(example),
  ]);
  const head = ['place', 'index', 'true class', 'given class', ''];
  return `${table(facts, [1], { width })}\n${table([head, ...rows], [2, 3, 4], { width })}`;
}

function changeOf({ label, trueLabel, drawn }: ShownExample): string {
  if (label !== trueLabel) return 'changed';
  return drawn ? 'drawn anew' : '';
}

/** Examples side by side on a sheet. */
const COLUMNS = 8;

/** A PNG with the views of each example below one another, eight examples side by side. */
export function batchSheet({ info, size, examples }: ShownBatch): Promise<Buffer> {
  const tiles = examples.flatMap((example, i) =>
    NAMES.map((name, view): Tile => {
      const row = Math.floor(i / COLUMNS) * NAMES.length + view;
      const own = name === 'original' ? info : size;
      return { image: example[name], size: own, row, column: i % COLUMNS };
    }),
  );
  const rows = Math.ceil(examples.length / COLUMNS) * NAMES.length;
  return sheetOf(tiles, { rows, columns: Math.min(COLUMNS, examples.length) });
}

const PAGE = `
.batch{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:22px 26px}
.views{display:grid;grid-template-columns:repeat(3,1fr);gap:6px}
.views img{display:block;width:100%;image-rendering:pixelated}
.batch figcaption{margin-top:.3em;overflow-wrap:anywhere}
.batch s{color:var(--faint)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}dd{margin:0}`;

/** A page with each example's views, its true and its given class: one file that loads nothing and runs nothing. */
export async function batchPage(shown: BatchOf): Promise<string> {
  const { config, batch } = shown;
  const { examples } = batch;
  const title = `${config.name}: what the network is given`;
  const figures = await Promise.all(examples.map((example, i) => figureOf(example, i, batch)));
  const body = html`<dl>${factsOf(shown).map(([what, is]) => html`<dt class="faint">${what}</dt><dd>${is}</dd>`)}</dl>
<p class="note">The first ${examples.length} examples of the first epoch, in order. Each from the left: as it is in the data set; the bytes of its batch (corrupted, cropped, augmented); and whitened, as the network computes with it: the image's mean is middle gray, ${WHITENED_RANGE} standard deviations below it black, above it white.</p>
<div class="batch">
${figures}
</div>`;
  return htmlDocument(title, body, { style: PAGE });
}

async function figureOf(example: ShownExample, place: number, batch: ShownBatch): Promise<Html> {
  const { info, size } = batch;
  const { index, label, trueLabel } = example;
  const [truth, given] = [info.classes[trueLabel]!, info.classes[label]!];
  const views = NAMES.map(async (name) => {
    const png = await pngOf(example[name], name === 'original' ? info : size);
    const alt = `${truth}, ${VIEWS[name]}`;
    return html`<img src="data:image/png;base64,${png.toString('base64')}" alt="${alt}" title="${VIEWS[name]}">`;
  });
  const change = changeOf(example);
  const classes =
    label === trueLabel
      ? html`<b>${given}</b>${change !== '' && ` (${change})`}`
      : html`<s>${truth}</s> → <b>${given}</b>`;
  return html`<figure><div class="views">${await Promise.all(views)}</div><figcaption>${classes}<br>${place}: image ${grouped(index)}</figcaption></figure>
`;
}
