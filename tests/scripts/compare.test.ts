import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { program, SCRIPTS, start } from './helpers.js';

interface Result {
  name: string;
  title?: string;
  group: string;
  rounds: number[];
  problem?: string;
}

interface Ratios {
  ratioOf(ours: number[], theirs: number[]): { median: number; min: number; max: number };
  stillRuns(result: Result, results: Result[]): boolean;
  verdicts(results: Result[]): object[];
  report(bench: { model: string; precision: string }, results: Result[]): string;
}

// A plain script, so that it runs without being compiled; what it exports is told above.
const { ratioOf, stillRuns, verdicts, report } = (await import(
  join(SCRIPTS, 'bench/ratios.mjs')
)) as Ratios;

const RESULTS: Result[] = [
  { name: 'tensorflow', title: 'ours', group: 'ours', rounds: [120, 60, 130] },
  { name: 'PyTorch a', title: 'PyTorch 2 a', group: 'PyTorch', rounds: [100, 50, 100] },
  { name: 'PyTorch b', title: 'PyTorch 2 b', group: 'PyTorch', rounds: [70] },
  { name: 'JAX loop', group: 'JAX', rounds: [], problem: 'No memory.' },
];

describe('ratios', () => {
  it('are taken round by round', () => {
    // The second round was slow for both, and says so of neither.
    expect(ratioOf([120, 60, 130], [100, 50, 100])).toEqual({ median: 1.2, min: 1.2, max: 1.3 });
    expect(ratioOf([120, 60, 130], [60])).toEqual({ median: 2, min: 2, max: 2 });
  });

  it('are told of the best form of a peer; the slow ones rest after a round', () => {
    expect(verdicts(RESULTS)).toEqual([
      { ours: 'tensorflow', peer: 'PyTorch a', median: 1.2, min: 1.2, max: 1.3 },
    ]);
    expect(RESULTS.map((result) => stillRuns(result, RESULTS))).toEqual([true, true, false, false]);
  });

  it('become a table', () => {
    expect(report({ model: 'mlp', precision: 'float32' }, RESULTS)).toBe(
      [
        'mlp, float32',
        '             images/s      range  rounds   tensorflow ÷ it',
        'ours              120   60.0–130       3',
        'PyTorch 2 a       100   50.0–100       3  1.20 (1.20–1.30)',
        'PyTorch 2 b      70.0  70.0–70.0       1  1.71 (1.71–1.71)',
        'JAX loop     failed: No memory.',
        'tensorflow ÷ best form, PyTorch a: 1.20 (1.20–1.30)',
        '',
      ].join('\n'),
    );
  });
});

describe('compare.mjs', () => {
  const compare = (...args: string[]) => {
    const quick = ['--models', 'mlp', '--engine', 'wasm', '--batch', '4', '--seconds', '0.05'];
    return start(process.execPath, [join(SCRIPTS, 'bench/compare.mjs'), ...quick, ...args]).ended;
  };

  it('lets ours and the peers run in turn', async () => {
    const python = program(
      join(temporaryFolder(), 'python'),
      `#!/bin/sh
[ "$1" = -c ] && { [ "$2" = 'import torch' ]; exit; }
case $* in *compile*) echo 'loading'; echo 'No compiler.' >&2; exit 1;; esac
echo 'a line of its own'
echo '{"peer": "PyTorch 2.0", "form": "eager-nchw", "train_images_per_second": 10}'
`,
    );
    const { code, stdout, stderr } = await compare('--rounds', '2', '--json', '--python', python);
    expect(code).toBe(0);
    expect(stderr).toContain(`JAX is left out, ${python} has none: ${python} -m pip install jax`);
    const order = [...stderr.matchAll(/round (\d), ([^:]*): /g)].map(([, n, who]) => [n, who]);
    expect(order).toEqual([
      ['1', 'wasm'],
      ['1', 'PyTorch eager-nchw'],
      ['1', 'PyTorch compile-nchw'],
      ['2', 'wasm'],
      ['2', 'PyTorch eager-nchw'],
    ]);
    const { results } = JSON.parse(stdout) as { results: Result[] };
    expect(results[0]).toMatchObject({ title: 'rethink-gen wasm 4.22.0, eager', group: 'ours' });
    expect(results[0]!.rounds).toHaveLength(2);
    expect(results[1]).toMatchObject({ title: 'PyTorch 2.0 eager-nchw', rounds: [10, 10] });
    expect(results[2]).toMatchObject({ problem: 'No compiler.', rounds: [] });
    // The command compiles a checkout that has changed first.
  }, 180_000);

  it('refuses what it does not know in a sentence', async () => {
    expect(await compare('--peers', 'theano')).toEqual({
      code: 2,
      stdout: '',
      stderr: "error: --peers: 'theano' is none of torch, jax\nhint: --help lists the options.\n",
    });
    expect(await compare('--rounds', 'two')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--rounds is 'two', and should be a number above 0"),
    });
  });
});
