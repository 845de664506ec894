import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../src/config/experiment.js';
import { configHash } from '../../../src/config/hash.js';
import { portableConfig } from '../../../src/config/portable.js';
import { RunDirectory } from '../../../src/record/run-directory.js';
import { serveRuns } from '../../../src/report/live/index.js';
import type { RunningServer } from '../../../src/report/live/server.js';
import { findBrowser, NO_BROWSER, openBrowser, openPage } from '../../helpers/browser.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { epochRow, recorderOf } from '../../record/fake-run.js';
import { writeRun } from '../helpers.js';

const EPOCHS = 200;
const CONFIG = { name: 'long', model: { name: 'mlp' }, train: { epochs: EPOCHS } };

/** A run that is under way, with a recorder for its rows. */
async function begin(root: string, seed: number) {
  const config = (await loadExperiment({ ...CONFIG, seed })).trials[0]!.config;
  const start = { config: portableConfig(config) };
  const directory = RunDirectory.create(root, config.name, configHash(config), start);
  return { directory, recorder: recorderOf(directory) };
}

const row = (epoch: number) => ({
  ...epochRow(epoch),
  train_accuracy: epoch / EPOCHS,
  test_accuracy: epoch / EPOCHS / 2,
});

const servers: (() => Promise<void>)[] = [];
const stopAll = () => Promise.all(servers.splice(0).map((stop) => stop()));

/** Serves runs until it is stopped, or the test is over. */
async function serve(root: string, port = 0): Promise<RunningServer> {
  const controller = new AbortController();
  const pace = { pause: 50, told: 1000, untold: 100, share: 1 };
  const { signal } = controller;
  return new Promise((started, failed) => {
    const options = { host: '127.0.0.1', port, pace, signal, started };
    const ended = serveRuns([root], options).catch((error: unknown) => {
      if (!signal.aborted) failed(error);
    });
    servers.push(async () => {
      controller.abort();
      await ended;
    });
  });
}

describe.skipIf(findBrowser() === null)(`the live page (${NO_BROWSER})`, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterEach(stopAll);
  afterAll(() => browser?.close());

  const connection = (page: Page, word: string) =>
    page.waitForFunction(
      (wanted: string) => {
        const { document } = globalThis as unknown as {
          document: { querySelector(of: string): { textContent: string } };
        };
        return document.querySelector('.connection').textContent.startsWith(wanted);
      },
      { timeout: 20_000 },
      word,
    );
  const evaluate = <T>(page: Page, code: string) => page.evaluate(code) as Promise<T>;

  it('shows 200 epochs as they come, and whoever reads keeps what they chose, zoomed, sorted out and scrolled to', async () => {
    const root = temporaryFolder();
    await writeRun(`${root}/other`, {
      config: { ...CONFIG, corruption: 'random-labels' },
      train: [0.2, 0.4, 0.6, 0.8],
      test: 0.1,
    });
    const { directory, recorder } = await begin(root, 0);
    recorder.epoch(row(1));
    const { url } = await serve(root);
    const { page, complaints } = await openPage(browser, url);
    await connection(page, 'live');
    const figure = `#${await page.$eval('figure[id^=curves]', ({ id }) => id)}`;
    await page.$eval(figure, (element) => element.scrollIntoView());
    await page.waitForSelector(`${figure} canvas`);
    // A condition switched off, a table unfolded, an axis made logarithmic, and the focus there.
    await page.click(`${figure} .key button:nth-child(2)`);
    await page.click(`${figure} .points summary`);
    await page.$eval('details:not(.points)', (element) => element.setAttribute('open', ''));
    await page.click(`${figure} .tools button:nth-child(1)`);
    await page.focus(`${figure} .tools button:nth-child(1)`);
    await evaluate(
      page,
      `window.kept = document.querySelector('${figure} .tools button'); window.y = scrollY`,
    );
    const off = () =>
      page.$eval(`${figure} .key button:nth-child(2)`, (b) => b.getAttribute('aria-pressed'));
    expect(await off()).toBe('false');

    for (let epoch = 2; epoch <= EPOCHS; epoch++) {
      recorder.epoch(row(epoch));
      await sleep(5);
    }
    await page.waitForFunction(
      `[...document.querySelectorAll('${figure} .points tbody th')].at(-1)?.textContent === '${EPOCHS}'`,
      { timeout: 20_000 },
    );
    expect(await off()).toBe('false');
    expect(
      await evaluate(page, 'document.activeElement === window.kept && window.kept.isConnected'),
    ).toBe(true);
    expect(await evaluate(page, "window.kept.getAttribute('aria-pressed')")).toBe('true');
    expect(await evaluate(page, "document.querySelector('details:not(.points)').open")).toBe(true);
    expect(await evaluate(page, 'scrollY === window.y')).toBe(true);
    expect(await page.$eval('#lead', (lead) => lead.textContent)).toContain('1 running');
    await page.focus(`${figure} .plot`);
    await page.keyboard.press('End');
    expect(await page.$eval(`${figure} [aria-live]`, (element) => element.textContent)).toContain(
      `epoch ${EPOCHS}: true labels: train 100.00 %`,
    );

    directory.close('interrupted');
    await page.waitForFunction(
      "document.getElementById('lead').textContent.includes('1 interrupted')",
      { timeout: 20_000 },
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('keeps a zoom, and adds a run that comes and takes one away that goes', async () => {
    const root = temporaryFolder();
    const { recorder } = await begin(root, 0);
    for (let epoch = 1; epoch <= 20; epoch++) recorder.epoch(row(epoch));
    const { url } = await serve(root);
    const { page, complaints } = await openPage(browser, url);
    const figure = `#${await page.$eval('figure[id^=curves]', ({ id }) => id)}`;
    await page.$eval(figure, (element) => element.scrollIntoView());
    await page.waitForSelector(`${figure} canvas`);
    await page.focus(`${figure} .plot`);
    for (const key of ['End', '+', '+'] as const) await page.keyboard.press(key);
    const isWhole = () =>
      page.$eval(`${figure} .whole`, (button) => button.hasAttribute('disabled'));
    expect(await isWhole()).toBe(false);
    recorder.epoch(row(21));
    const other = await writeRun(`${root}/other`, {
      config: { model: { name: 'mlp', hidden: [64] } },
    });
    const curves = (count: number) =>
      page.waitForFunction(`document.querySelectorAll('figure[id^=curves]').length === ${count}`, {
        timeout: 20_000,
      });
    await curves(2);
    expect(await isWhole()).toBe(false);
    rmSync(other, { recursive: true });
    await curves(1);
    expect(await isWhole()).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('says that the server has ended, and goes on when it is started anew', async () => {
    const root = temporaryFolder();
    const { recorder } = await begin(root, 0);
    recorder.epoch(row(1));
    const { url, port } = await serve(root);
    const { page } = await openPage(browser, url);
    await connection(page, 'live');
    await stopAll();
    await connection(page, 'ended');
    recorder.epoch(row(2));
    await serve(root, port);
    await connection(page, 'live');
    await page.waitForFunction("document.querySelector('#runs').textContent.includes('1.00')", {
      timeout: 20_000,
    });
    await page.close();
  });
});
