import { join } from 'node:path';
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/report/index.js';
import { findBrowser, NO_BROWSER, openBrowser, openPage } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from './helpers.js';

describe.skipIf(findBrowser() === null)(`the page in a browser (${NO_BROWSER})`, () => {
  let browser: Browser;
  let path: string;

  beforeAll(async () => {
    const root = temporaryFolder();
    const config = { data: { name: 'synthetic', limit: 2000 }, model: { name: 'mlp' } };
    const train = [0.3, 0.55, 0.7, 0.86, 0.97, 1];
    const losses = [2, 1, 0.5];
    await writeRun(join(root, 'a'), { config, train, test: 0.6, losses });
    await writeRun(join(root, 'b'), {
      config: { ...config, seed: 1 },
      train: train.slice(1),
      losses,
    });
    await writeRun(join(root, 'c'), {
      config: { ...config, corruption: 'random-labels' },
      train: train.map((accuracy) => accuracy * 0.9),
      test: 0.1,
      losses,
    });
    path = (await writeReport([root])).page;
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it('opens from the disk, without a network and without a complaint', async () => {
    const { page, complaints } = await openPage(browser, path);
    await page.waitForSelector('figure.live canvas');
    expect(complaints).toEqual([]);
  });
});
