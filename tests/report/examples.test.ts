import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { loadDataset } from '../../src/data/load.js';
import { exampleEpochPath } from '../../src/record/examples.js';
import { readConfig, readPredictions, readResult } from '../../src/record/runs.js';
import { PageExamplesReader } from '../../src/report/examples/index.js';
import { writeReport } from '../../src/report/index.js';
import { readRuns } from '../../src/report/runs.js';
import { SCORE_NAMES } from '../../src/results/examples.js';
import { MOST_PAIRS, predictionsOf } from '../../src/results/predictions.js';
import { runExperiment } from '../../src/run/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';
import { writeRun } from './helpers.js';

/** The section on examples of a page, as it is read without JavaScript. */
async function sectionOf(root: string): Promise<{ html: string; figures: string[] }> {
  const { page, figures } = await writeReport([root], {
    out: join(temporaryFolder(), 'page.html'),
  });
  const html = readFileSync(page, 'utf8');
  const [, section = ''] = /<section id="examples">(.*?)<\/section>/s.exec(html) ?? [];
  return { html: section, figures };
}

/** Cells of the tables of a section, by caption: rows of text. */
function cellsOf(html: string, caption: string): string[][] {
  const table = html.split('<table').find((part) => part.includes(`>${caption}`));
  const rows =
    /<tbody>(.*?)<\/tbody>/s
      .exec(table ?? '')?.[1]
      ?.split('</tr>')
      .slice(0, -1) ?? [];
  return rows.map((row) =>
    row
      .split(/<\/t[dh]>/)
      .slice(0, -1)
      .map((cell) => cell.replace(/<[^>]+>/g, '').trim()),
  );
}

describe('a page on a run that recorded its examples', () => {
  let root: string;
  let runDir: string;
  let shown: Awaited<ReturnType<typeof sectionOf>>;
  beforeAll(async () => {
    root = temporaryFolder();
    const { config } = (
      await loadExperiment({
        ...TINY,
        corruption: { kind: 'flip-labels', fraction: 0.4 },
        train: { ...TINY.train, epochs: 5 },
        record: { ...TINY.record, examples: true },
      })
    ).trials[0]!;
    ({ runDir } = await runExperiment(config, { out: root }));
    shown = await sectionOf(root);
  });

  it('has the confusion that was written, cell by cell', () => {
    const { train } = readPredictions(runDir)!;
    const { examples, right, pairs } = train!.true!;
    const table = cellsOf(shown.html, 'training set, true labels');
    expect(table).toHaveLength(10);
    for (const [label, [, ...cells]] of table.entries()) {
      const counts = cells.map(Number);
      expect(counts[label]).toBe(right[label]);
      expect(counts.reduce((a, b) => a + b)).toBe(examples[label]);
    }
    expect(Number(table[pairs.label[0]!]![1 + pairs.prediction[0]!])).toBe(pairs.count[0]);
  });

  it('has every score with what result.json says of it', () => {
    const table = cellsOf(shown.html, 'How well each score');
    const { scores } = readResult(runDir)!.examples!;
    expect(table.map(([, auroc]) => auroc)).toEqual(
      SCORE_NAMES.map((name) => scores![name]!.auroc!.toFixed(4)),
    );
  });

  it('shows images of the data set over their labels', async () => {
    const first =
      /<h4>Smallest area under the margin<\/h4>.*?<img alt="[^"]*train image (\d+)" src="data:image\/png;base64,([^"]+)"/s.exec(
        shown.html,
      )!;
    const { seeds } = await readConfig(runDir);
    const dataset = await loadDataset(
      { name: 'synthetic', limit: 60, testLimit: 20 },
      { seed: seeds.data },
    );
    const place = dataset.train.indices.indexOf(Number(first[1]));
    const size = 32 * 32 * 3;
    const pixels = await sharp(Buffer.from(first[2]!, 'base64')).raw().toBuffer();
    expect([...pixels]).toEqual([
      ...dataset.train.images.subarray(place * size, (place + 1) * size),
    ]);
    for (const title of [
      'Training images most confidently wrong',
      'Test images most confidently wrong',
    ]) {
      expect(shown.html).toContain(`<h4>${title}</h4>`);
    }
  });

  it('has the figures of its examples, and numbers for every epoch', () => {
    const names = shown.figures.filter((id) => id.startsWith('examples-'));
    expect(names).toEqual(['examples-learned', 'examples-roc', 'examples-loss']);
    const [, json] = /<script type="application\/json" class="histograms">(.*?)<\/script>/s.exec(
      shown.html,
    )!;
    const { epochs, loss } = JSON.parse(json!);
    expect(epochs).toEqual([1, 2, 3, 4, 5]);
    for (const shares of [...loss.changed, ...loss.unchanged]) {
      expect(shares.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 1);
    }
  });

  it('says what is damaged, and shows the rest', async () => {
    const copy = temporaryFolder();
    const run = join(copy, 'run');
    cpSync(runDir, run, { recursive: true });
    writeFileSync(exampleEpochPath(run, 2), 'no');
    const { html } = await sectionOf(copy);
    expect(html).toContain('epoch-0002.safetensors is damaged');
    expect(html).toContain('training set, true labels');
    expect(html).not.toContain('histograms');
    writeFileSync(join(run, 'predictions.json'), '{"epoch":');
    expect((await sectionOf(copy)).html).toContain('predictions.json is damaged');
  });
});

/** Predictions in which each label is taken for the next class half of the time. */
function predicted(classes: readonly string[]) {
  const labels = classes.flatMap((_, label) => [label, label]);
  const prediction = labels.map((label, i) => (i % 2 === 0 ? label : (label + 1) % classes.length));
  const split = {
    index: labels.map((_, i) => i),
    given_label: labels,
    true_label: labels,
    prediction,
    loss: labels,
  };
  return JSON.stringify({ epoch: 2, step: 20, ...predictionsOf(classes, split, split) });
}

/** A made-up run that has ended, with predictions of these classes. */
async function written(
  folder: string,
  classes: readonly string[],
  config: object = {},
): Promise<void> {
  await writeRun(folder, { config: { data: { name: 'synthetic', limit: 2000 }, ...config } });
  writeFileSync(join(folder, 'predictions.json'), predicted(classes));
}

describe('a page on predictions', () => {
  it('says why there are no images where the data is not the run’s', async () => {
    const root = temporaryFolder();
    await written(join(root, 'a'), ['cat', 'dog', 'frog']);
    const { html } = await sectionOf(root);
    expect(html).toContain('The data set here is not the one that the run had');
    expect(html).not.toContain('<img');
    expect(html).toContain('no. 5, loss 2.0');
  });

  it('lists the worst pairs of many classes, and the worst classes', async () => {
    const root = temporaryFolder();
    await written(
      join(root, 'a'),
      Array.from({ length: 1000 }, (_, i) => `class ${i}`),
    );
    const { html } = await sectionOf(root);
    expect(html).not.toContain('class="confusion"');
    expect(cellsOf(html, 'test set: what is taken for what')).toHaveLength(20);
    expect(html).toContain('980 further pairs');
    expect(html).toContain('The 20 of 1,000 classes');
    expect(MOST_PAIRS).toBeGreaterThan(980);
  });

  it('takes names of classes for text, whatever they are', async () => {
    const root = temporaryFolder();
    const hostile = [
      '</script><script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '"\u202e&',
    ];
    await written(join(root, 'a'), hostile);
    const { html } = await sectionOf(root);
    expect(html).not.toMatch(/<script>|<img src=x/);
    expect(html).toContain('&#60;img src=x onerror=alert(1)&#62;');
  });

  it('shows a bounded number of runs, and says how many it leaves out', async () => {
    const root = temporaryFolder();
    for (let seed = 0; seed < 14; seed++)
      await written(join(root, `run-${seed}`), ['a', 'b'], { seed });
    const { html } = await sectionOf(root);
    expect(html.match(/<details class="run-examples"/g)).toHaveLength(12);
    expect(html).toContain('2 further runs');
  });

  it('reads a run again only when its result is another one', async () => {
    const root = temporaryFolder();
    for (const seed of [0, 1]) await written(join(root, `${seed}`), ['a', 'b'], { seed });
    const reader = new PageExamplesReader(undefined);
    const { runs } = await readRuns([root]);
    const before = await reader.read(runs);
    const [same, other] = [runs[0]!, { ...runs[1]!, result: { ...runs[1]!.result! } }];
    const after = await reader.read([same, other]);
    const of = (page: typeof before, run: { path: string }) =>
      page.runs.find((one) => one.run.path === run.path);
    expect(before.runs).toHaveLength(2);
    expect(of(after, same)).toBe(of(before, same));
    expect(of(after, other)).not.toBe(of(before, other));
    expect((await reader.read([{ ...same, result: null }])).runs).toEqual([]);
  });

  it('has no such part where no run has any', async () => {
    const root = temporaryFolder();
    await writeRun(join(root, 'old'), { config: { data: { name: 'synthetic' } } });
    expect((await sectionOf(root)).html).toBe('');
  });
});
