import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { CliContext } from '../../src/cli/context.js';
import { createProgram } from '../../src/cli/index.js';
import { widthOf } from '../../src/text.js';
import { Captured, cli } from './helpers.js';

const stdout = new Captured();
const program = createProgram(
  { stdout, stderr: new Captured(), env: {} } as unknown as CliContext,
  () => {},
);

function walk(command: Command, path: string[] = []): { command: Command; path: string[] }[] {
  const below = command.commands.flatMap((child) => walk(child, [...path, child.name()]));
  return [{ command, path }, ...below];
}
const all = walk(program).map(({ command, path }) => ({ command, path, name: path.join(' ') }));

describe('every command', () => {
  it('is here', () => {
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['', 'run', 'report', 'data pack', 'engine install', 'doctor']),
    );
  });

  it.each(all)('has examples that it understands: $name', async ({ path }) => {
    const { code, stdout, stderr } = await cli([...path, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    const [, examples = ''] = stdout.split('\nExamples:\n');
    // A command that is too long for a line goes on in the next.
    const block = examples
      .split('\n\n')[0]!
      .trimEnd()
      .replaceAll(/ \\\n +/g, ' ');
    const lines = block.split('\n').filter((line) => !/^ {3}/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(/^ {2}rethink-gen /);
      const [, ...words] = line.trim().split(/ {2,}/)[0]!.split(' ');
      const known = all.filter(({ name }) => name !== '').map(({ path }) => path);
      // `data fetch` after `data`: the deeper one comes later.
      const named = known.findLast((path) => path.every((word, i) => words[i] === word));
      expect(named, line).toBeDefined();
      const command = all.find(({ path }) => path.join(' ') === named!.join(' '))!.command;
      const options = command.options.map(({ long }) => long);
      for (const word of words.filter((word) => word.startsWith('--'))) {
        expect(options, line).toContain(word);
      }
    }
  });

  it.each(all)('describes itself, its arguments and its options: $name', ({ command, path }) => {
    expect(command.description()).not.toBe('');
    if (path.length > 0) expect(command.summary()).not.toBe('');
    for (const argument of command.registeredArguments) {
      expect(argument.description, argument.name()).not.toBe('');
    }
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  it.each(all)('has a help that fits 80 columns, and fewer: $name', async ({ path }) => {
    for (const columns of [80, 60, 40]) {
      const { stdout } = await cli([...path, '--help'], { tty: true, columns });
      // A word that is longer stays whole.
      const lines = stdout.split('\n').filter((line) => !/^\s*\S+( \\)?$/.test(line));
      for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
    }
  });

  it('shows no default that is empty or a list in brackets', async () => {
    for (const { path } of all) {
      const { stdout } = await cli([...path, '--help']);
      expect(stdout).not.toMatch(/default: (\[|false|undefined)/);
    }
  });

  it.each([
    ['run', ['run']],
    ['data fetch', ['data', 'fetch']],
    ['completion', ['completion', 'tcsh']],
    ['bench', ['bench', '--model', 'none']],
  ])('says where to read on after a mistake: %s', async (name, argv) => {
    const { code, stderr } = await cli(argv);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`hint: rethink-gen ${name} --help tells what it takes.\n`),
    ]);
  });
});
