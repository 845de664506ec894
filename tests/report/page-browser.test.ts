import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/report/index.js';
import { findBrowser, NO_BROWSER, openBrowser, openPage, type Shown } from '../helpers/browser.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from './helpers.js';

const TRAIN = [0.3, 0.55, 0.7, 0.86, 0.97, 1];

describe.skipIf(findBrowser() === null)(`the page in a browser (${NO_BROWSER})`, () => {
  let browser: Browser;
  let path: string;
  /** The learning curves, as a selector. */
  let CURVES: string;

  beforeAll(async () => {
    const root = temporaryFolder();
    const config = { data: { name: 'synthetic', limit: 2000 }, model: { name: 'mlp' } };
    const data = { origin: 'generated', train: 2000 };
    const losses = [2, 1, 0.5];
    await writeRun(join(root, 'a'), { config, data, train: TRAIN, test: 0.625, losses });
    const second = { ...config, seed: 1 };
    await writeRun(join(root, 'b'), { config: second, data, train: TRAIN, test: 0.575, losses });
    await writeRun(join(root, 'c'), {
      config: { ...config, corruption: 'random-labels' },
      data,
      train: TRAIN.map((accuracy) => accuracy / 2),
      test: 0.1,
      losses,
    });
    const written = await writeReport([root]);
    path = written.page;
    CURVES = `#${written.figures.find((id) => id.startsWith('curves'))}`;
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  /** The page with the learning curves on the screen. */
  async function opened(shown: Shown = {}): Promise<{ page: Page; complaints: string[] }> {
    const { page, complaints } = await openPage(browser, path, shown);
    await page.$eval(CURVES, (element) => element.scrollIntoView());
    await page.waitForSelector(`${CURVES} canvas`);
    return { page, complaints };
  }

  /** Moves the pointer to a part of the plot's width: 0 is its left edge. */
  async function point(page: Page, across: number): Promise<void> {
    const box = (await (await page.$(`${CURVES} .u-over`))!.boundingBox())!;
    await page.mouse.move(box.x + across * box.width, box.y + box.height / 2);
  }

  const key = (page: Page) =>
    page.$$eval(`${CURVES} .key button`, (all) => all.map((b) => b.textContent));
  const at = (page: Page) => page.$eval(CURVES, (element) => element.getAttribute('data-at'));

  /** Pixels of a color on the canvas: lines are drawn in nothing else. */
  const painted = (page: Page, color: [number, number, number]) =>
    page.evaluate(`(() => {
      const canvas = document.querySelector('${CURVES} canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (${color.map((part, i) => `Math.abs(data[i + ${i}] - ${part}) < 3`).join(' && ')} && data[i + 3] > 250) count++;
      }
      return count;
    })()`) as Promise<number>;
  const BLUE: [number, number, number] = [0x0b, 0x62, 0xa4];
  const LIGHT_BLUE: [number, number, number] = [0x6c, 0xb4, 0xf5];

  it('tells under the pointer what the runs say, from the disk and without a complaint', async () => {
    const { page, complaints } = await opened();
    expect(await key(page)).toEqual(['true labels', 'random labels', 'train', 'test']);
    for (const [epoch, accuracy] of TRAIN.entries()) {
      // An axis of whole epochs from 1 to 6.
      await point(page, Math.min(0.999, (epoch + 0.1) / 5));
      const random = (50 * accuracy).toFixed(2);
      expect(await at(page)).toBe(String(epoch + 1));
      expect(await key(page)).toEqual([
        `true labels${(100 * accuracy).toFixed(2)} % / 60.00 %`,
        `random labels${random} % / 10.00 %`,
        'train',
        'test',
      ]);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('starts on a logarithmic axis with ticks where a figure has one; a rule goes with its line', async () => {
    const root = temporaryFolder();
    for (const [i, hidden] of [4, 16, 64].entries()) {
      const config = { data: { name: 'synthetic' }, model: { name: 'mlp', hidden: [hidden] } };
      await writeRun(join(root, `${hidden}`), { config, train: [[0.5, 0.98, 1][i]!] });
    }
    const written = await writeReport([root]);
    const id = written.figures.find((each) => each.startsWith('descent-size-train'))!;
    const { page, complaints } = await openPage(browser, written.page);
    await page.$eval(`#${id}`, (element) => element.scrollIntoView());
    await page.waitForSelector(`#${id} canvas`);
    /** Pixels with anything on them, in a part of the canvas. */
    const drawn = (left: number, top: number, right: number, bottom: number) =>
      page.evaluate(`(() => {
        const canvas = document.querySelector('#${id} canvas');
        const [width, height] = [canvas.width, canvas.height];
        const [left, top] = [Math.round(${left} * width), Math.round(${top} * height)];
        const { data } = canvas.getContext('2d').getImageData(
          left, top, Math.round(${right} * width) - left, Math.round(${bottom} * height) - top);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length;
      })()`) as Promise<number>;
    const logX = `#${id} .tools button:nth-child(1)`;
    expect(await page.$eval(logX, (b) => `${b.textContent} ${b.ariaPressed}`)).toBe('log x true');
    // Each canvas is read once: a browser complains of more.
    const before = await drawn(0.2, 0.05, 1, 0.75);
    await page.click(`#${id} .key button`);
    expect(await drawn(0.2, 0.05, 1, 0.75)).toBeLessThan(before);
    await page.click(`#${id} .key button`);
    // Labels below the axis, above its title.
    expect(await drawn(0.2, 0.85, 1, 0.91)).toBeGreaterThan(20);
    await page.focus(`#${id} .plot`);
    await page.keyboard.press('End');
    const spoken = await page.$eval(`#${id} [aria-live]`, (element) => element.textContent);
    expect(spoken).toBe('width of the hidden layers 64: true labels 0.00 %');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('switches lines off from the key, makes axes logarithmic, zooms and comes back', async () => {
    const { page, complaints } = await opened();
    const before = await painted(page, BLUE);
    expect(before).toBeGreaterThan(100);
    await page.click(`${CURVES} .key button:nth-child(1)`);
    expect(await page.$eval(`${CURVES} .key button`, (b) => b.getAttribute('aria-pressed'))).toBe(
      'false',
    );
    expect(await painted(page, BLUE)).toBe(0);
    await page.click(`${CURVES} .key button:nth-child(1)`);
    expect(await painted(page, BLUE)).toBe(before);
    await page.click(`${CURVES} .key button:nth-child(3)`);
    const dashed = await painted(page, BLUE);
    expect(dashed).toBeGreaterThan(0);
    expect(dashed).toBeLessThan(before * 0.6);
    await page.click(`${CURVES} .key button:nth-child(3)`);

    await point(page, 0.75);
    expect(await at(page)).toBe('5');
    await page.click(`${CURVES} .tools button:nth-child(1)`);
    await point(page, 0.75);
    expect(await at(page)).toBe('4');
    await page.click(`${CURVES} .tools button:nth-child(1)`);

    const whole = () => page.$eval(`${CURVES} .whole`, (button) => button.hasAttribute('disabled'));
    expect(await whole()).toBe(true);
    await point(page, 0.55);
    await page.mouse.down();
    await point(page, 0.95);
    await page.mouse.up();
    expect(await whole()).toBe(false);
    await point(page, 0.05);
    expect(await at(page)).toBe('4');
    const box = (await (await page.$(`${CURVES} .u-over`))!.boundingBox())!;
    await page.mouse.click(box.x + 30, box.y + 30, { count: 2 });
    expect(await whole()).toBe(true);
    await point(page, 0.05);
    expect(await at(page)).toBe('1');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is read and used by keyboard alone', async () => {
    const { page } = await opened();
    await page.focus(`${CURVES} .key button:nth-child(2)`);
    await page.keyboard.press('Space');
    expect(
      await page.$eval(`${CURVES} .key button:nth-child(2)`, (b) => b.getAttribute('aria-pressed')),
    ).toBe('false');
    // Over train and test to the plot.
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('plot');
    const spoken = () => page.$eval(`${CURVES} [aria-live]`, (element) => element.textContent);
    await page.keyboard.press('ArrowRight');
    expect(await spoken()).toBe('epoch 1: true labels: train 30.00 %, true labels: test 60.00 %');
    await page.keyboard.press('End');
    expect(await spoken()).toBe('epoch 6: true labels: train 100.00 %, true labels: test 60.00 %');
    await page.keyboard.press('+');
    expect(await page.$eval(`${CURVES} .whole`, (b) => b.hasAttribute('disabled'))).toBe(false);
    await page.keyboard.press('0');
    expect(await page.$eval(`${CURVES} .whole`, (b) => b.hasAttribute('disabled'))).toBe(true);
    // No trap: Tab leads on, to the tools.
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('log x');
    await page.close();
  });

  it('has a table behind each figure, and gives its numbers and its picture as files', async () => {
    const { page } = await opened();
    await page.click(`${CURVES} .points summary`);
    await page.waitForSelector(`${CURVES} .points tr`);
    const rows = await page.$$eval(`${CURVES} .points tr`, (all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent)),
    );
    expect(rows).toHaveLength(7);
    expect(rows[0]).toEqual([
      'epoch',
      'true labels: train',
      'true labels: test',
      'random labels: train',
      'random labels: test',
    ]);
    expect(rows[4]).toEqual(['4', '86.00 %', '60.00 % (57.50 % to 62.50 %)', '43.00 %', '10.00 %']);
    const folder = temporaryFolder();
    const session = await browser.target().createCDPSession();
    await session.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: folder,
      eventsEnabled: true,
    });
    const file = async (kind: 'svg' | 'png' | 'csv') => {
      const done = new Promise((resolve) => {
        session.on(
          'Browser.downloadProgress',
          ({ state }) => state === 'completed' && resolve(null),
        );
      });
      await page.click(`${CURVES} .tools button[aria-label='${kind.toUpperCase()} file']`);
      await done;
      return readFileSync(join(folder, `${CURVES.slice(1)}.${kind}`));
    };
    expect((await file('csv')).toString()).toBe(
      readFileSync(join(path, '..', 'figures', `${CURVES.slice(1)}.csv`), 'utf8'),
    );
    const svg = await sharp(await file('svg')).metadata();
    const png = sharp(await file('png'));
    expect(await png.metadata()).toMatchObject({
      format: 'png',
      width: 3 * svg.width!,
      height: 3 * svg.height!,
    });
    // On white, and with something in it.
    const { channels } = await png.stats();
    expect(channels.map(({ max, min }) => [max, min < 128])).toEqual(
      Array(channels.length).fill([255, true]).with(3, [255, false]),
    );
    await page.close();
  });

  it('reads on a phone, in the dark', async () => {
    const { page, complaints } = await opened({ width: 390, height: 800, dark: true });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
      'rgb(21, 24, 28)',
    );
    expect(await painted(page, LIGHT_BLUE)).toBeGreaterThan(100);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('prints the figures that are read without JavaScript', async () => {
    const display = (page: Page, selector: string) =>
      page.$$eval(selector, (all) =>
        all.map((element) =>
          (element as unknown as { checkVisibility(): boolean }).checkVisibility(),
        ),
      );
    const live = await opened();
    expect(await display(live.page, `${CURVES} > svg, ${CURVES} .touch`)).toEqual([true, false]);
    await live.page.emulateMediaType('print');
    expect(await display(live.page, `${CURVES} > svg, ${CURVES} .touch`)).toEqual([false, true]);
    await live.page.close();
    const { page, complaints } = await openPage(browser, path, { javaScript: false });
    const shown = await display(page, 'figure > svg');
    expect(shown.length).toBeGreaterThan(2);
    expect(shown).not.toContain(false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('draws any column of any runs', async () => {
    const { page, complaints } = await opened();
    await page.$eval('#explore', (element) => element.scrollIntoView());
    await page.waitForSelector('#explore canvas');
    const selects = await page.$$('#explore select');
    await selects[0]!.select('train_loss');
    await page.type('#explore input[type=search]', 'seed=1');
    expect(await page.$eval('#explore h3', (h) => h.textContent)).toBe('train_loss against epoch');
    expect(await page.$eval('#explore .controls .faint', (s) => s.textContent)).toBe('1 of 3 runs');
    await page.focus('#explore .plot');
    await page.keyboard.press('ArrowRight');
    expect(await page.$eval('#explore [aria-live]', (e) => e.textContent)).toMatch(
      /^epoch 1: MLP .* seed 1 \(b\) 0\.7$/,
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('takes nothing of a run for markup, script or a formula, wherever it stands', async () => {
    const root = temporaryFolder();
    const evil = [
      '</script><script>window.hacked=1</script>',
      '<!--<script>',
      '<img src=x onerror=window.hacked=1>',
      '"onmouseover="window.hacked=1',
      '=HYPERLINK(1)',
      '\u2028\u202e\u0007\u200b',
    ].join(' ');
    const folder = join(root, evil.replaceAll('/', '∕'));
    const environment = {
      rethink_gen: { version: evil, git: { commit: evil, dirty: true } },
      started: evil,
      node: evil,
      os: evil,
      cpu: { model: evil, cores: 2 },
      gpus: [{ name: evil }],
    };
    const config = { data: { name: 'synthetic' }, model: { name: 'mlp' } };
    await writeRun(folder, {
      config,
      environment,
      losses: [1],
      data: { origin: evil, hash: evil },
    });
    await writeRun(join(root, 'b'), { config: { ...config, seed: 2 }, state: 'failed' });
    const status = join(root, 'b', 'status.json');
    writeFileSync(
      status,
      JSON.stringify({ ...JSON.parse(readFileSync(status, 'utf8')), reason: evil }),
    );
    const { page, complaints } = await openPage(browser, (await writeReport([root])).page);
    await page.$eval('#explore', (element) => element.scrollIntoView());
    await page.waitForSelector('#explore canvas');
    await page.focus('#explore .plot');
    await page.keyboard.press('ArrowRight');
    const spoken = await page.$eval('#explore [aria-live]', (element) => element.textContent);
    expect(spoken).toContain('∕script><script>window.hacked=1');
    expect(
      await page.evaluate("JSON.parse(document.getElementById('data').textContent).runs[1].detail"),
    ).toContain(evil.split('\u2028')[0]);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.$$eval('script', (all) => all.length)).toBe(2);
    expect(await page.$$eval('img:not([src^="data:"])', (all) => all.length)).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
