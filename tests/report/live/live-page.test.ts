import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printableLines } from '../../../src/errors.js';
import { merged, type PageModel, type PageUpdate } from '../../../src/report/data.js';
import { LivePage } from '../../../src/report/live/live-page.js';
import { LiveRuns } from '../../../src/report/live/live-runs.js';
import type { Progress } from '../../../src/report/live/progress.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { writeRun } from '../helpers.js';

const TEN = { label: 'ten', done: 0.5, told: '5 of 10 trials done, 5 waiting' };

/** A page of the runs below a folder, and what a browser has of it. */
async function opened(folder: string) {
  const page = new LivePage({ folder });
  const runs = new LiveRuns([folder]);
  const look = async (progress: Progress[] = [TEN]) => page.update(await runs.look(), progress);
  await look();
  const read = async () => JSON.parse(String((await page.at('data.json'))!.body)) as PageModel;
  let shown = await read();
  /** Takes in what has changed, as a browser does. */
  const take = (): PageUpdate => {
    const update = JSON.parse(page.since(shown.made)) as PageUpdate;
    const { made, sections, figures, runs } = update;
    const { lead, swept, common } = { ...shown, ...update };
    shown = {
      ...shown,
      made,
      lead,
      swept,
      common,
      sections: merged(shown.sections, sections),
      figures: merged(shown.figures, figures),
      runs: merged(shown.runs, runs),
    };
    return update;
  };
  return { page, look, read, take, shown: () => shown };
}

const addRow = (run: string, epoch: number) =>
  appendFileSync(
    join(run, 'metrics.jsonl'),
    `{"epoch":${epoch},"step":${epoch}0,"train_accuracy":0.75,"test_accuracy":0.5}\n`,
  );

describe('LivePage', () => {
  it('sends what has changed, and nothing else, and it comes to the whole', async () => {
    const folder = temporaryFolder();
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    await writeRun(one, { state: 'running', train: [0.5] });
    await writeRun(two, { config: { seed: 1, corruption: 'random-labels' } });
    const { look, read, take, shown } = await opened(folder);
    await look();
    expect(take()).toEqual({ made: shown().made });
    addRow(one, 2);
    await look();
    const update = take();
    expect(update.runs!.changed.map(({ id, epoch }) => [id, epoch])).toEqual([['one', 2]]);
    expect(update.figures!.changed.map(({ id }) => id)).toEqual([expect.stringMatching('curves')]);
    expect(update.sections!.changed.map(({ id }) => id)).not.toContain('pictures');
    expect(shown()).toEqual(await read());
    for (const change of [
      () => writeRun(join(folder, 'three'), { config: { model: { name: 'mlp', hidden: [64] } } }),
      () => rmSync(one, { recursive: true }),
      () => writeRun(one, { config: { experiment: 'theorem1' }, state: 'running' }),
      () => rmSync(two, { recursive: true }),
    ]) {
      await change();
      await look();
      take();
      expect(shown()).toEqual(await read());
    }
    await look([]);
    expect(take().sections!.changed.map(({ id }) => id)).toEqual(['progress']);
  });

  it('sends all to a page of which it does not know what it has', async () => {
    const folder = temporaryFolder();
    await writeRun(join(folder, 'one'));
    const { page, read } = await opened(folder);
    const { title: _, served: __, made, lead, swept, common, ...lists } = await read();
    for (const version of ['', 'nonsense', '2999-01-01T00:00:00.000Z']) {
      const update = JSON.parse(page.since(version)) as PageUpdate;
      const all = Object.entries(lists).map(([list, parts]) => {
        const order = (parts as { id: string }[]).map(({ id }) => id);
        return [list, { changed: parts, order }];
      });
      expect(update).toEqual({ made, lead, swept, common, ...Object.fromEntries(all) });
    }
  });

  it('has a page, its data, its runs and its figures, and nothing else', async () => {
    const folder = temporaryFolder();
    await writeRun(join(folder, 'one'));
    const { page, shown } = await opened(folder);
    const types = async (path: string) => (await page.at(path))?.type;
    const { id } = shown().figures[0]!;
    expect(await types('')).toBe('text/html; charset=utf-8');
    expect(await types('runs.json')).toBe('application/json');
    expect(await types(`figures/${id}.svg`)).toBe('image/svg+xml');
    expect(await types(`figures/${id}.png`)).toBe('image/png');
    expect(await types(`figures/${id}.csv`)).toBe('text/csv; charset=utf-8');
    for (const path of [
      `figures/${id}.json`,
      `figures/${id}`,
      'figures/',
      'one/config.json',
      '../one/config.json',
      join(folder, 'one/config.json'),
    ]) {
      expect([path, await types(path)]).toEqual([path, undefined]);
    }
    const { policy } = (await page.at(''))!;
    for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy.split('; ')).toContain(part);
    }
    expect(policy).not.toContain('unsafe');
  });

  it('shows runs whose names would be markup, end JSON or turn text around as nothing but names', async () => {
    const folder = temporaryFolder();
    const hostile = [
      '<script>alert(1)<',
      '"}]}',
      "'-alert(1)-'",
      '\u202egnp.exe',
      '=HYPERLINK("x")',
      'a\nb',
      '</script>',
      '\u2028',
      '&lt;',
    ];
    for (const [seed, name] of hostile.entries()) {
      await writeRun(join(folder, name.replaceAll('/', '∕')), { config: { seed } });
    }
    const progress = hostile.map((label) => ({ label, done: 0, told: label }));
    const { page, look, shown } = await opened(folder);
    await look(progress);
    const ids = shown().runs.map(({ id }) => id);
    expect(ids.sort()).toEqual(
      hostile.map((name) => printableLines(name.replaceAll('/', '∕'))).sort(),
    );
    const update = page.since('');
    expect(merged([], (JSON.parse(update) as PageUpdate).runs)).toHaveLength(hostile.length);
    expect(update).not.toMatch(/[\n\r]/);
    expect(() => JSON.parse(update)).not.toThrow();
    const html = String((await page.at(''))!.body);
    expect(html).not.toContain('alert(1)<');
    expect(html).not.toMatch(/[\u202e\u2028]/);
    expect(html.match(/<script/g)).toHaveLength(2);
    const sent = (JSON.parse(update) as PageUpdate).sections!.changed.map((part) => part.html);
    expect(sent.join()).not.toMatch(/<script|<HYPER|[\u202e\u2028]/);
  });

  it('is there before the first run', async () => {
    const { page, shown } = await opened(temporaryFolder());
    expect(shown().runs).toEqual([]);
    expect(String((await page.at(''))!.body)).toContain('from 0 runs');
  });
});
