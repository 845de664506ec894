import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latexTables, latexText } from '../../src/report/tables/latex.js';
import { cli } from '../cli/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type FakeRun, reportOf, wholeBudget, writeRun } from './helpers.js';

const HOSTILE = [
  '\\input{/etc/passwd}',
  '$x_1^2$ & 100 % # ~ {open',
  'close} \\\\ [1cm] * "quoted" `code`',
  '中文 \u202ertl \u0007 \n\n\\end{table}',
  '--dashes-- ?` <b>|</b>',
];
/** All that notes, verdicts and numbers of ours are written in. */
const OURS = 'ℓ2 – − × ± ≥ ≤ ≈ → ° † … · ² ᵀ ε λ α β ‘a’ “b”';

const hasLatex = spawnSync('pdflatex', ['--version']).error === undefined;

/** Whether braces close in order, no special sign stands for itself, and environments are balanced. */
function isSound(tex: string): boolean {
  const text = tex.replace(/(^|[^\\])%.*$/gm, '$1');
  let depth = 0;
  const environments: string[] = [];
  const signs = /\\(?:begin|end)\{(\w+)\}|\\\\|\\[{}$&#_%]|[{}]/g;
  for (const [sign, name] of text.matchAll(signs)) {
    if (sign.startsWith('\\begin')) environments.push(name!);
    else if (sign.startsWith('\\end') && environments.pop() !== name) return false;
    else if (sign === '{') depth++;
    else if (sign === '}' && --depth < 0) return false;
  }
  return depth === 0 && environments.length === 0 && !/[^\x20-\x7e\n]/.test(text);
}

function compiled(tex: string): string {
  const folder = temporaryFolder();
  const body = `\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n${tex}\n\\end{document}\n`;
  writeFileSync(join(folder, 'paper.tex'), body);
  const options = ['-interaction=nonstopmode', '-halt-on-error', '-no-shell-escape', 'paper.tex'];
  try {
    execFileSync('pdflatex', options, { cwd: folder, stdio: 'pipe' });
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout);
  }
  return existsSync(join(folder, 'paper.pdf')) ? '' : 'no pdf';
}

describe('latexText', () => {
  it.each(HOSTILE)('has no command in %j', (text) => {
    expect(isSound(latexText(text))).toBe(true);
    expect(latexText(text)).not.toMatch(/\\(?:input|end)\b|\n/);
  });

  it('tells what pdfLaTeX has no letter for by its code', () => {
    expect(latexText('a中b')).toBe('aU+4E2Db');
    expect(latexText(OURS)).not.toContain('U+');
    expect(latexText('89.05 (88–90) −0.5 ± 1 % a_b')).toBe(
      '89.05 (88--90) $-$0.5 $\\pm$ 1 \\% a\\_b',
    );
  });

  it('knows unsound text, to say the others are none', () => {
    for (const text of ['{', '}', '\\begin{a}', '\\begin{a}\\end{b}', 'é']) {
      expect(isSound(text), text).toBe(false);
    }
  });
});

const runs: FakeRun[] = [
  ...[0, 1].map((seed) => ({
    config: { seed, train: { stop: 'never' }, regularization: { weightDecay: 0.05 } },
    train: wholeBudget(1),
    test: 0.85 + seed / 100,
  })),
  { config: { corruption: 'random-labels' }, train: [0.5, 1], test: 0.1, outcome: 'fitted' },
  {
    config: { experiment: 'kernels', data: { name: 'mnist' } },
    theory: { features: 'pixels', ridge: 0, filters: null, test_error: 0.012, norm: 220 },
  },
];

describe('tables as LaTeX', () => {
  it('have each number with what it is of, and reasons and conditions below', async () => {
    const { one, two, three } = await reportOf(...runs);
    const tex = latexTables([one, two, three]);
    expect(isSound(tex)).toBe(true);
    expect(tex).toContain(
      'Inception & wd & true & test & 86.03 & 85.50 (85.00--86.00) & $-$0.53 & 50,000 & 2 & last epoch\\textsuperscript{1,2} \\\\',
    );
    expect(tex).toContain(
      '\\textsuperscript{1}\\,not strictly comparable: within tolerance: weight decay 0.05.',
    );
    // What was not run is left out, a whole table as well.
    expect(tex).not.toContain('AlexNet');
    expect(tex).not.toContain('Table 2');
  });

  it.skipIf(!hasLatex)('compile, with whatever names (pdflatex is on this machine)', async () => {
    const { one, three, claims } = await reportOf(...runs);
    const hostile = {
      id: 'hostile',
      title: HOSTILE.join(' '),
      note: OURS,
      columns: ['what', 'measured', 'because'],
      rows: HOSTILE.map((text) => ({ cells: [text, text, text] })),
    };
    const told = {
      ...hostile,
      id: 'claims',
      rows: claims.map(({ claim, seen, evidence }) => ({ cells: [claim, seen, evidence] })),
    };
    expect(compiled(latexTables([one, three, hostile, told]))).toBe('');
  });
});

describe('report --latex --markdown', () => {
  it('writes the files that are named, and all tables beside the page', async () => {
    const root = temporaryFolder();
    for (const [i, run] of runs.entries()) await writeRun(join(root, 'runs', `${i}`), run);
    const [tex, md] = [join(root, 'paper', 'tables.tex'), join(root, 'paper', 'results (1).md')];
    const folder = join(root, 'paper', 'results (1)');
    // What an earlier report has written there is gone, and what others have stays.
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.written.json'), '["curves-earlier.svg"]');
    for (const name of ['curves-earlier.svg', 'curves-mine.svg'])
      writeFileSync(join(folder, name), '');
    const named = await cli(['report', join(root, 'runs'), '--latex', tex, '--markdown', md]);
    expect([named.code, named.stderr]).toEqual([0, '']);
    expect(named.stdout).toContain('tables.tex');
    expect(isSound(readFileSync(tex, 'utf8'))).toBe(true);
    const markdown = readFileSync(md, 'utf8');
    expect(markdown).toContain('| 86.03 | 85.50 (85.00–86.00) | −0.53 |');
    expect(markdown).toContain(
      '`rethink-gen run paper/table1 \'sweep={trials: [{model.name: "inception", regularization.weightDecay: 0.05}]}\' seed=0 sweep.seeds=2`',
    );
    expect(markdown).toContain('| 1.0 s |');
    const links = [...markdown.matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, link]) => link!);
    const files = links.map((link) => join(root, 'paper', decodeURIComponent(link)));
    expect(files).toContain(join(folder, 'table-1.csv'));
    const left = ['.written.json', 'curves-mine.svg'].map((name) => join(folder, name));
    expect([...files, ...left].sort()).toEqual(
      readdirSync(folder)
        .map((name) => join(folder, name))
        .sort(),
    );
    const [, alt, svg] = /!\[(Learning curves: [^\]]+)\]\(([^)]+)\)/.exec(markdown)!;
    expect(markdown).toContain(`**${alt}**`);
    const drawn = readFileSync(join(root, 'paper', decodeURIComponent(svg!)), 'utf8');
    expect(drawn).toContain('class="ground"');
    expect(drawn).toContain('prefers-color-scheme:dark');
    for (const file of files.filter((path) => path.endsWith('.csv'))) {
      expect(readFileSync(file, 'utf8')).not.toMatch(/(?<=[,\n])[\d.]{8,}(?=[,\n])/);
    }
    // A folder behind the option is one more folder of runs.
    const beside = await cli(['report', '--latex', join(root, 'runs')]);
    expect(beside.code).toBe(0);
    const figures = join(root, 'runs', 'figures');
    expect(readFileSync(join(figures, 'tables.tex'), 'utf8')).toBe(readFileSync(tex, 'utf8'));
    expect(readFileSync(join(figures, 'table-1.tex'), 'utf8')).toContain('\\toprule');
    // Where its own files have no place of their own, nothing is written.
    for (const page of [root, join(root, 'results'), join(root, 'runs', 'figures.md')]) {
      const refused = await cli(['report', join(root, 'runs'), '--markdown', page]);
      expect(refused.stderr).toContain('--markdown');
      expect(refused.code).toBe(2);
    }
  });
});
