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
    const lines = examples.split('\n\n')[0]!.trimEnd().split('\n');
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
    if (path.length === 1) expect(command.summary()).not.toBe('');
    for (const argument of command.registeredArguments) {
      expect(argument.description, argument.name()).not.toBe('');
    }
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  it.each(all)('has a help that fits 80 columns, but for examples: $name', async ({ path }) => {
    const { stdout } = await cli([...path, '--help'], { tty: true, columns: 80 });
    const lines = stdout.split('\n').filter((line) => !line.startsWith('  rethink-gen '));
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(80);
  });
});
