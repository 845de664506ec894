import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { escapeHtml, html } from '../../src/report/html.js';
import { type WrittenReport, writeReport } from '../../src/report/index.js';
import { cli } from '../cli/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from './helpers.js';

const mlp = { data: { name: 'synthetic', limit: 2000 }, model: { name: 'mlp' } };
const data = { origin: 'generated', train: 2000, full_train: 5000 };
const losses = [2, 1, 0.5];

describe('writeReport', () => {
  let root: string;
  let written: WrittenReport;
  let page: string;

  beforeAll(async () => {
    root = temporaryFolder();
    const environment = {
      rethink_gen: { version: '0.1.0', git: null },
      started: 'now',
      node: '20.9.0',
      os: 'linux',
      cpu: { model: '<script>alert(1)</script>', cores: 2 },
      gpus: [],
    };
    await writeRun(join(root, 'a'), { config: mlp, data, losses, environment });
    await writeRun(join(root, 'b'), {
      config: { ...mlp, corruption: 'random-labels' },
      test: 0.1,
      data,
      losses,
    });
    mkdirSync(join(root, 'broken'));
    writeFileSync(join(root, 'broken', 'config.json'), '');
    written = await writeReport([root]);
    page = readFileSync(written.page, 'utf8');
  });

  it('shows figures in the page, from a quickstart alone', () => {
    expect(written.page).toBe(join(root, 'report.html'));
    expect(page.match(/<svg /g)!.length).toBeGreaterThanOrEqual(2);
    expect(page).toContain('Figure 1a');
    expect(page).toContain('Table 1: fitting CIFAR-10: not run');
  });

  it('loads nothing, and runs nothing but its own script', () => {
    const [policy] = /content="default-src 'none'[^"]*/.exec(page)!;
    const [, script] = /<script type="module">(.*?)<\/script>/s.exec(page)!;
    for (const text of [script!, /<style>(.*?)<\/style>/s.exec(page)![1]!]) {
      expect(policy).toContain(createHash('sha256').update(text).digest('base64'));
    }
    expect(policy).not.toMatch(/unsafe|connect|http/);
    const markup = page.replace(script!, '');
    expect(markup.match(/<script/g)).toHaveLength(2);
    expect(markup).not.toMatch(/<link|<iframe|@import|url\((?!#)|\s(on\w+|style)="/i);
    const sources = [...page.matchAll(/\ssrc="([^"]{0,30})/g)].map(([, source]) => source!);
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) expect(source).toMatch(/^data:image\/png;base64,/);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    // Every link within the page leads somewhere.
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
    // It may be mailed: nothing that it links to lies beside it.
    expect(page).not.toMatch(/(href|src)="(?!#|https:|data:)/);
  });

  it('takes nothing from a run for markup', () => {
    expect(page).toContain(escapeHtml('2 × <script>alert(1)</script>'));
  });

  it('lists what it could not read', () => {
    expect(written).toMatchObject({ runs: 2, damaged: 1 });
    expect(page).toContain('Damaged or half-written');
    expect(page).toContain('broken/config.json');
  });

  it('writes every figure as a sharp picture and as data, every table as CSV and Markdown', async () => {
    for (const id of written.figures) {
      const svg = readFileSync(join(written.figuresDir, `${id}.svg`), 'utf8');
      const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
      const picture = await sharp(join(written.figuresDir, `${id}.png`)).metadata();
      expect([picture.width, picture.height]).toEqual([3 * width!, 3 * height!]);
      expect(readFileSync(join(written.figuresDir, `${id}.csv`), 'utf8')).toMatch(/^series,/);
    }
    expect(written.tables).toEqual(
      expect.arrayContaining(['table-1', 'table-2', 'table-3', 'table-4', 'runs']),
    );
    for (const id of written.tables) {
      expect(readFileSync(join(written.figuresDir, `${id}.csv`), 'utf8')).toContain('\n');
      expect(readFileSync(join(written.figuresDir, `${id}.md`), 'utf8')).toMatch(/\| --/);
    }
  });

  it('removes what only an earlier report has written, and nothing else', async () => {
    const folder = join(root, 'again');
    mkdirSync(folder);
    const write = (runs: string) => writeReport([runs], { out: join(folder, 'report.html') });
    const before = await write(root);
    const own = join(before.figuresDir, 'my-notes.md');
    writeFileSync(own, 'mine');
    const after = await write(join(root, 'a'));
    const gone = before.figures.filter((id) => !after.figures.includes(id));
    expect(gone.length).toBeGreaterThan(0);
    for (const id of gone) {
      for (const extension of ['svg', 'png', 'csv']) {
        expect(existsSync(join(after.figuresDir, `${id}.${extension}`))).toBe(false);
      }
    }
    for (const id of after.figures) {
      expect(existsSync(join(after.figuresDir, `${id}.svg`))).toBe(true);
    }
    writeFileSync(join(after.figuresDir, '.written.json'), '["../../report.html"]');
    await write(root);
    expect(existsSync(own)).toBe(true);
    expect(existsSync(written.page)).toBe(true);
  });

  it('fails with a sentence where the page would be a folder', async () => {
    await expect(writeReport([root], { out: root })).rejects.toMatchObject({ kind: 'usage' });
  });

  it('makes a page even where nothing can be read', async () => {
    const broken = await writeReport([join(root, 'broken')], {
      out: join(root, 'of', 'broken.html'),
    });
    expect(broken).toMatchObject({ runs: 0, damaged: 1, figures: [] });
  });

  it('is a command', async () => {
    const out = join(root, 'cli.html');
    const { code, stdout } = await cli(['report', root, '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toContain('2 runs (1 more could not be read)');
    expect(existsSync(out)).toBe(true);
    const empty = await cli(['report', temporaryFolder()]);
    expect(empty.code).toBe(3);
    expect(empty.stderr).toContain('There is no run at or below');
  });
});

describe('html', () => {
  it('escapes all but its own', () => {
    const inner = html`<b>${'"<&\'>'}</b>`;
    expect(html`<i title="${'"'}">${inner}${[1, 'x']}${false}</i>`.markup).toBe(
      '<i title="&#34;"><b>&#34;&#60;&#38;&#39;&#62;</b>1x</i>',
    );
  });
});
