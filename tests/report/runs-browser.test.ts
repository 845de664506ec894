import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/report/index.js';
import { findBrowser, NO_BROWSER, openBrowser, openPage, type Shown } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { namedRun } from '../record/listing/helpers.js';

/** Markup, a formula, an end of the data block, text that turns around. */
const EVIL = '</script><img src=x onerror=alert(1)>=cmd\u202e';

describe.skipIf(findBrowser() === null)(`runs in a browser (${NO_BROWSER})`, () => {
  let browser: Browser;
  let path: string;

  beforeAll(async () => {
    const root = temporaryFolder();
    const rates = [0.001, 0.01, 0.1];
    for (const [i, learningRate] of rates.entries()) {
      for (const [k, corruption] of ['none', 'random-labels'].entries()) {
        await namedRun(root, `${corruption}-${i}`, `${i}${k}aaaaaa`, {
          config: {
            data: { name: 'synthetic' },
            model: { name: 'mlp' },
            corruption,
            train: { learningRate },
          },
          train: [0.5, 1],
          test: k === 0 ? 0.5 + i / 8 : 0.125,
          time: `2026112${i}T10153${k}Z`,
        });
      }
    }
    path = (await writeReport([root])).page;
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  const opened = (shown: Shown = {}) => openPage(browser, path, shown);
  const cells = (page: Page, column: string) =>
    page.$$eval(
      '.runs-own tbody tr',
      (rows, column) =>
        rows.map((row) => row.querySelector(`td[data-label="${column}"]`)?.textContent),
      column,
    );
  const filtered = async (page: Page, text: string) => {
    await page.$eval('#runs-filter', (box) => {
      (box as unknown as { value: string }).value = '';
    });
    await page.type('#runs-filter', text === '' ? ' ' : text);
    return cells(page, 'run');
  };
  const text = (page: Page, selector: string) =>
    page.$eval(selector, (element) => element.textContent);

  it('sort by their headings, also by keyboard, and say so', async () => {
    const { page, complaints } = await opened();
    expect(await cells(page, 'run')).toEqual(
      [2, 1, 0].flatMap((i) => [`random-labels-${i}`, `none-${i}`]),
    );
    await page.click('th[data-column="test_accuracy"] button');
    expect((await cells(page, 'test acc'))[0]).toBe('75.00 %');
    const order = () =>
      page.$eval('th[data-column="test_accuracy"]', (th) => th.getAttribute('aria-sort'));
    expect(await order()).toBe('descending');
    await page.keyboard.press('Enter');
    expect(await order()).toBe('ascending');
    expect((await cells(page, 'test acc'))[0]).toBe('12.50 %');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('are filtered in the language of --where, by words, and by both; mistakes are told', async () => {
    const { page } = await opened();
    expect(await filtered(page, 'test_accuracy>=0.6')).toEqual(['none-2', 'none-1']);
    expect(await filtered(page, 'test >= 60% train.learningRate = 0.1')).toEqual(['none-2']);
    expect(await filtered(page, 'corruption=none 0.01')).toEqual(['none-1']);
    expect(await filtered(page, 'model.name=mlp epoch>1')).toHaveLength(6);
    expect(await filtered(page, 'random-labels-0')).toEqual(['random-labels-0']);
    expect(await text(page, '.runs-own output')).toBe('1 of 6 runs');
    expect(await filtered(page, 'tset_accuracy>0')).toHaveLength(6);
    expect(await text(page, '#runs-problem')).toContain('Did you mean test_accuracy?');
    expect(await filtered(page, 'epoch>x')).toHaveLength(6);
    expect(await text(page, '#runs-problem')).toContain('has no order');
    expect(await filtered(page, '')).toHaveLength(6);
    await page.close();
  });

  it('show the columns that are wanted', async () => {
    const { page } = await opened();
    const heads = () =>
      page.$$eval('.runs-own thead th[data-column]', (all) =>
        all.map((th) => th.getAttribute('data-column')),
      );
    expect(await heads()).toContain('seconds');
    await page.click('.columns summary');
    const boxes = await page.$$('.columns input');
    await boxes.at(-3)!.click();
    expect(await heads()).not.toContain('seconds');
    await page.close();
  });

  it('are chosen on an axis, by pointer and by keyboard, all over the page', async () => {
    const { page, complaints } = await opened();
    const axis = '[data-axis="test_accuracy"]';
    const box = (await (await page.$(axis))!.boundingBox())!;
    const x = box.x + box.width / 2;
    await page.$eval(axis, (element) => element.scrollIntoView({ block: 'center' }));
    const now = (await (await page.$(axis))!.boundingBox())!;
    await page.mouse.move(x, now.y + 2);
    await page.mouse.down();
    await page.mouse.move(x, now.y + now.height / 4, { steps: 3 });
    await page.mouse.up();
    expect(await cells(page, 'run')).toEqual(['none-2', 'none-1']);
    expect(await text(page, '#parallel output')).toBe('2 of 6 runs');
    expect(await page.$$eval('#parallel path.out', (all) => all.length)).toBe(4);
    await page.keyboard.press('Escape');
    expect(await cells(page, 'run')).toHaveLength(6);
    await page.$eval('[data-axis="corruption.kind"]', (hit) =>
      (hit as unknown as { focus(): void }).focus(),
    );
    await page.keyboard.press('ArrowUp');
    expect(await cells(page, 'run')).toEqual([
      'random-labels-2',
      'random-labels-1',
      'random-labels-0',
    ]);
    expect(
      await page.$eval('[data-axis="corruption.kind"]', (e) => e.getAttribute('aria-valuetext')),
    ).toBe('random-labels');
    await page.click('#parallel button');
    expect(await cells(page, 'run')).toHaveLength(6);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('stand side by side: what differs, and their curves', async () => {
    const { page, complaints } = await opened();
    for (const name of ['none-0', 'random-labels-2'])
      await page.click(`input[aria-label^="compare ${name} "]`);
    const rows = await page.$$eval('#compare tbody tr', (all) =>
      all.map((row) => [...row.children].map(({ textContent }) => textContent)),
    );
    expect(rows).toContainEqual(['corruption.kind', 'none', 'random-labels']);
    expect(rows).toContainEqual(['train.learningRate', '0.001', '0.1']);
    expect(rows).toContainEqual(['test acc', '50.00 %', '12.50 %']);
    expect(rows.flat()).not.toContain('model.name');
    await page.click('#compare input');
    expect(await text(page, '#compare .parts')).toContain('model.name');
    await page.$eval('#compare-figure', (figure) => figure.scrollIntoView());
    await page.waitForSelector('#compare-figure canvas');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each([1280, 390])('fit %i px, in the dark too', async (width) => {
    const { page, complaints } = await opened({ width, dark: true });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('are read without JavaScript as before', async () => {
    const { page } = await opened({ javaScript: false });
    expect(await page.$$eval('#runs .scroll.runs tbody tr', (all) => all.length)).toBe(6);
    expect(await page.$('.runs-own')).toBeNull();
    await page.close();
  });

  it('have names that stay text', async () => {
    const root = temporaryFolder();
    const config = { data: { name: 'arrays', dir: EVIL }, model: { name: 'mlp' } };
    await namedRun(root, 'a', 'aaaaaaaa', { config });
    await namedRun(root, 'b', 'bbbbbbbb', {
      config: { ...config, data: { name: 'arrays', dir: 'plain' } },
    });
    const { page: written } = await writeReport([root]);
    const { page, complaints } = await openPage(browser, written);
    expect(await page.$$eval('img[src="x"]', (all) => all.length)).toBe(0);
    expect((await cells(page, 'data.dir')).join()).toContain('<img');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
