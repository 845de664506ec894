import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Why tests in a browser are skipped here. */
export const NO_BROWSER = 'there is no Chromium on PATH; RETHINK_GEN_TEST_BROWSER may name one';

/** The Chromium of this machine: what `RETHINK_GEN_TEST_BROWSER` names, else the first on `PATH`. */
export function findBrowser(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const named = process.env.RETHINK_GEN_TEST_BROWSER;
  const paths = named
    ? [named]
    : folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** One for a file of tests: starting takes a second. */
export function openBrowser(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: findBrowser()!,
    pipe: true,
    // Its own sandbox needs what containers and root don't have; it sees nothing but our pages.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
  });
}

export interface OpenedPage {
  page: Page;
  /** All that a reader would never see: errors, what the policy forbids, requests that leave the machine. */
  complaints: string[];
}

export interface Shown {
  width?: number;
  height?: number;
  dark?: boolean;
  javaScript?: boolean;
}

/** Opens a file of the disk, or an address of this machine, and waits until its script has done its work. */
export async function openPage(
  browser: Browser,
  place: string,
  { width = 1280, height = 900, dark = false, javaScript = true }: Shown = {},
): Promise<OpenedPage> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  const url = /^https?:/.test(place) ? place : pathToFileURL(place).href;
  page.on('request', (request) => {
    const own = new URL(request.url());
    const here =
      own.protocol === 'file:' ? own.href.split('#')[0] === url : url.startsWith(own.origin);
    if (!here && !['data:', 'blob:'].includes(own.protocol))
      complaints.push(`asks for ${own.href}`);
  });
  await page.setViewport({ width, height });
  await page.setJavaScriptEnabled(javaScript);
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
  ]);
  await page.goto(url, { waitUntil: 'load' });
  if (javaScript) await page.waitForSelector('html.live');
  return { page, complaints };
}
