import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { guarded } from '../../src/cli/guard.js';
import { createLog } from '../../src/cli/watch/log.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { RethinkError } from '../../src/errors.js';
import { runExperiment } from '../../src/run/index.js';
import { tableAsCsv, tableAsJson } from '../../src/sweep/table.js';
import type { TrialRecord } from '../../src/sweep/types.js';
import { plain, write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { Captured, cli, type Outcome } from './helpers.js';

/** A name that begins a line, clears the screen in two ways, rings, turns the text around and hides a character. */
const EVIL = 'cat\nerror: all is lost\r\u001b[2J\u009b2J\u0007\u202e\u200b\u007f';
const ESCAPE = '\u001b';
const BARS = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-Za-z]|\r`, 'g');
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Nothing of it reached the output but escaped, and no line begins with its second one. */
function expectSafe({ stdout, stderr }: Pick<Outcome, 'stdout' | 'stderr'>): void {
  for (const line of `${stdout}\n${stderr}`.split('\n')) {
    expect(line).not.toMatch(UNSAFE);
    expect(line).not.toMatch(/^\s*error: all is lost/);
  }
}

beforeEach(() => {
  vi.stubEnv('RETHINK_GEN_DATA', '');
  vi.stubEnv('XDG_CACHE_HOME', temporaryFolder());
  return () => vi.unstubAllEnvs();
});

async function treeOf(...classes: string[]): Promise<string> {
  const folder = temporaryFolder();
  for (const name of classes) {
    for (const split of ['train', 'test']) {
      write(join(folder, split, name, `${EVIL}.png`), await plain(40, 40, { r: 10, g: 20, b: 30 }));
    }
  }
  return folder;
}

describe('a stranger’s name', () => {
  it('of a class or a file is escaped by every command on data', async () => {
    const dir = await treeOf(EVIL, 'dog');
    const out = join(temporaryFolder(), 'packed');
    const commands = [
      ['data', 'show', 'imagetree', '--dir', dir],
      ['data', 'pack', dir, '--out', out, '--size', '8'],
      ['data', 'verify', out],
      ['data', 'show', out],
      ['data', 'import', dir, '--as', 'cifar10'],
    ];
    for (const command of commands) {
      for (const tty of [false, true]) {
        const outcome = await cli(command, { tty });
        expect(outcome.stderr).not.toContain(`${ESCAPE}[2J`);
        const stderr = tty ? outcome.stderr.replace(BARS, '') : outcome.stderr;
        expectSafe({ ...outcome, stderr });
      }
    }
    const json = await cli(['data', 'show', out, '--json']);
    expectSafe(json);
    expect(JSON.parse(json.stdout).info.classes).toContain(EVIL);
  });

  it('of a file that can’t be decoded, of a folder and of a config is escaped in errors', async () => {
    const dir = await treeOf(EVIL, 'dog');
    write(join(dir, 'train', EVIL, '2.png'), Buffer.from('none'));
    const folder = join(temporaryFolder(), EVIL);
    const config = join(folder, 'x.yaml');
    write(config, Buffer.from(`name: x\n"${'a\\nerror: all is lost'}": 1\n"\\e[2J": 2\n`));
    for (const command of [
      ['data', 'show', 'imagetree', '--dir', dir],
      ['data', 'verify', folder],
      ['validate', config],
      ['run', join(folder, 'none.yaml')],
      ['report', folder],
      [EVIL],
      ['run', 'configs/smoke.json', `${EVIL}=1`],
    ]) {
      const outcome = await cli(command);
      expect(outcome.code).not.toBe(0);
      expect(outcome.stderr).toMatch(/^error: /m);
      expectSafe(outcome);
      expect(outcome.stderr).toContain('\\');
    }
  });

  it('in a message of a run that fails, or that a library throws, is escaped', async () => {
    const path = write(join(temporaryFolder(), 'x.json'), Buffer.from('{"name":"x"}'));
    for (const error of [new RethinkError('data', EVIL, { hint: EVIL }), new Error(EVIL), EVIL]) {
      const fail = async () => {
        throw error;
      };
      for (const env of [{}, { DEBUG: 'rethink-gen' }]) {
        const outcome = await cli(['run', path], {
          runner: { runExperiment: fail, resumeRun: fail },
          env,
        });
        expect(outcome.code).not.toBe(0);
        if (!('DEBUG' in env)) expectSafe(outcome);
        expect(outcome.stderr).not.toContain('\u001b');
      }
    }
  });

  it('in a note is one line, and exact as JSON', () => {
    const stderr = new Captured();
    const context = { stdout: new Captured(), stderr, env: {} } as never;
    createLog(context, { json: false, quiet: false }).info(EVIL);
    expect(stderr.text.trimEnd().split('\n')).toHaveLength(1);
    expectSafe({ stdout: '', stderr: stderr.text });
    stderr.text = '';
    createLog(context, { json: true, quiet: false }).info(EVIL);
    expectSafe({ stdout: '', stderr: stderr.text });
    expect(JSON.parse(stderr.text).msg).toBe(EVIL);
  });
});

describe('a guarded stream', () => {
  it('passes colors and bars on a terminal alone, and no other control anywhere', () => {
    const text = '\u001b[31mred\u001b[0m \u001b[2K\r\u001b]0;title\u0007\u009b2J\u202e\n';
    const shown = (isTTY: boolean) => {
      const stream = Object.assign(new Captured(), { isTTY });
      guarded(stream, {}).write(text);
      return stream.text;
    };
    expect(shown(true)).toBe(
      '\u001b[31mred\u001b[0m \u001b[2K\r\\u001b]0;title\\u0007\\u009b2J\\u202e\n',
    );
    expect(shown(false).trimEnd()).not.toMatch(UNSAFE);
    expect(shown(false)).toMatch(/\n$/);
  });

  it('is otherwise the stream that it guards', () => {
    const stream = Object.assign(new Captured(), { isTTY: true, columns: 77 });
    const guard = guarded(stream, {});
    let errors = 0;
    const listener = () => errors++;
    guard.on('error', listener);
    stream.emit('error', new Error());
    guard.removeListener('error', listener);
    expect([errors, guard.isTTY, guard.columns, stream.listenerCount('error')]).toEqual([
      1,
      true,
      77,
      0,
    ]);
  });
});

describe('a table that people open', () => {
  const formulas = ['=1+1', '+1+1', '-1+1', '@SUM(1)', '\t=1', '\r=1', EVIL];

  async function record(text: string): Promise<TrialRecord> {
    const { trials } = await loadExperiment({ name: 'x' });
    const trial = {
      ...trials[0]!,
      id: text,
      label: text,
      overrides: { 'data.dir': text, 'a.b': -0.5 },
    };
    return {
      trial,
      state: 'failed',
      error: { kind: 'data', message: text, hint: text, bug: false },
      runDir: null,
    };
  }

  it('has no formulas and no controls: trials.csv; trials.json has the very text', async () => {
    const records = await Promise.all(formulas.map(record));
    const csv = tableAsCsv(records, '/');
    for (const line of csv.trimEnd().split('\n')) {
      expect(line).not.toMatch(UNSAFE);
      for (const cell of line.split(',')) expect(cell).not.toMatch(/^"?[=+@]|^"?-[^0]/);
      if (!line.startsWith('id,')) expect(line).toContain(',-0.5,');
    }
    expect(csv.trimEnd().split('\n')).toHaveLength(formulas.length + 1);
    const { trials } = JSON.parse(tableAsJson(records, '/')) as { trials: { label: string }[] };
    expect(trials.map(({ label }) => label)).toEqual(formulas);
  });

  it('has none either in a report: runs.csv, the tables and the page', async () => {
    const root = join(temporaryFolder(), '=cmd', EVIL);
    const { trials } = await loadExperiment({
      name: 'x',
      data: { name: 'synthetic', limit: 20, testLimit: 20 },
      model: { name: 'mlp', hidden: [2] },
      train: { epochs: 1, batchSize: 20 },
      engine: { name: 'wasm' },
    });
    const { runDir } = await runExperiment(trials[0]!.config, { out: root });
    const changed = (name: string, change: object) => {
      const path = join(runDir, name);
      const content = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...content, ...change }));
    };
    changed('status.json', { state: 'failed', reason: EVIL });
    changed('environment.json', { os: '=1+1', node: EVIL });
    writeFileSync(join(runDir, 'metrics.jsonl'), '{"epoch":1,"step":1,"train_loss":"\u202e"}\n');
    const page = join(temporaryFolder(), 'page.html');
    // From its parent the path of the run begins with the formula.
    const { code } = await cli(['report', root, '--out', join(root, '..', '..', 'page.html')]);
    expect(code).toBe(0);
    expect((await cli(['report', root, '--out', page])).code).toBe(0);
    const written = [join(root, '..', '..', 'page.html'), page].flatMap((file) => [
      file,
      ...tablesBeside(file),
    ]);
    expect(written.length).toBeGreaterThan(6);
    for (const file of written) {
      // What the page's own script is made of is ours.
      const text = readFileSync(file, 'utf8').replace(/<script type="module">.*?<\/script>/gs, '');
      for (const line of text.split('\n')) {
        expect(line).not.toMatch(UNSAFE);
        if (!file.endsWith('.csv')) continue;
        for (const cell of line.split(',')) {
          expect(cell).not.toMatch(/^"?([=@]|[+-](?![\d.]+"?$))/);
        }
      }
    }
  });
});

function tablesBeside(page: string): string[] {
  const folder = join(dirname(page), 'figures');
  const beside = existsSync(folder) ? folder : page.replace(/\.html$/, '-figures');
  return readdirSync(beside)
    .filter((name) => /\.(csv|md|svg)$/.test(name))
    .map((name) => join(beside, name));
}
