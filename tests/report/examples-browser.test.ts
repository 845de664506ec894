import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { writeReport } from '../../src/report/index.js';
import { runExperiment } from '../../src/run/index.js';
import { findBrowser, NO_BROWSER, openBrowser, openPage } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';

describe.skipIf(findBrowser() === null)(`examples in a browser (${NO_BROWSER})`, () => {
  let browser: Browser;
  let path: string;
  beforeAll(async () => {
    const root = temporaryFolder();
    for (const seed of [0, 1]) {
      const { config } = (
        await loadExperiment({
          ...TINY,
          seed,
          corruption: { kind: 'flip-labels', fraction: 0.4 },
          train: { ...TINY.train, epochs: 5 },
          record: { ...TINY.record, examples: true },
        })
      ).trials[0]!;
      await runExperiment(config, { out: root });
    }
    ({ page: path } = await writeReport([root], { out: join(root, 'page.html') }));
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  const FOLD = '.run-examples[open]';
  const title = `${FOLD} .distribution h3`;

  it('are shown epoch by epoch, by the pointer and by the keyboard', async () => {
    const { page, complaints } = await openPage(browser, path);
    const text = (selector: string) => page.$eval(selector, (element) => element.textContent);
    expect(await text(title)).toBe('Losses after epoch 2');
    await page.focus(`${FOLD} .controls input`);
    await page.keyboard.press('End');
    expect(await text(title)).toBe('Losses after epoch 5');
    await page.keyboard.press('Home');
    await page.$$eval(`${FOLD} .controls button`, (all) => all[1]!.click());
    expect(await text(title)).toBe('Margins after epoch 1');
    await page.$eval(`${FOLD} .distribution`, (element) => element.scrollIntoView());
    await page.waitForSelector(`${FOLD} .distribution canvas`);
    const key = await page.$$eval(`${FOLD} .distribution .key button`, (all) =>
      all.map((b) => b.textContent),
    );
    expect(key).toEqual(['changed label', 'label as it was']);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('are shown of one run at a time, which can be chosen', async () => {
    const { page, complaints } = await openPage(browser, path);
    const seen = () =>
      page.$$eval('.run-examples', (all) => all.map((fold) => fold.checkVisibility()));
    expect(await seen()).toEqual([true, false]);
    const names = await page.$$eval('.choose-run option', (all) =>
      all.map((option) => option.value),
    );
    await page.select('.choose-run select', names[1]!);
    expect(await seen()).toEqual([false, true]);
    expect(await page.$eval(title, (element) => element.textContent)).toContain(
      'Losses after epoch',
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  it.each([
    [390, true],
    [1280, false],
  ])('fit into %i pixels, with JavaScript: %s', async (width, javaScript) => {
    const { page, complaints } = await openPage(browser, path, { width, javaScript });
    const [own, room] = (await page.evaluate(
      '[document.documentElement.scrollWidth, innerWidth]',
    )) as [number, number];
    expect(own).toBeLessThanOrEqual(room);
    const images = await page.$$eval(`${FOLD} .grid img`, (all) =>
      all.map((image) => image.naturalWidth),
    );
    expect(images.length).toBeGreaterThan(12);
    expect(new Set(images)).toEqual(new Set([32]));
    expect(await page.$$eval(`${FOLD} .confusion`, (all) => all.length)).toBe(3);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
