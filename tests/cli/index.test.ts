import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { configFile } from '../config/helpers.js';
import { cli, fakeRunner } from './helpers.js';

const failing = (error: unknown) => ({
  ...fakeRunner(),
  runExperiment: () => Promise.reject(error),
});

describe('the command line', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([[], ['run'], ['resume'], ['init'], ['validate'], ['evaluate']])(
    'helps with %s, with examples',
    async (...command) => {
      const { code, stdout, stderr } = await cli([...command, '--help']);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: rethink-gen/);
      expect(stdout).toMatch(/\nExamples:\n {2}rethink-gen /);
    },
  );

  it.each([
    [['rnu'], "error: unknown command 'rnu'\nhint: Did you mean run?\n"],
    [
      ['run', 'x.yaml', '--quite'],
      "error: unknown option '--quite'\nhint: Did you mean --quiet?\n",
    ],
    [
      ['run'],
      "error: missing required argument 'config'\nhint: rethink-gen run --help tells what it takes.\n",
    ],
    [
      ['run', 'x.yaml', '--max-trials', '0'],
      "error: option '--max-trials <n>' argument '0' is invalid. It should be a whole number of at least 1.\nhint: rethink-gen run --help tells what it takes.\n",
    ],
  ])('%j is a usage error', async (argv, stderr) => {
    expect(await cli(argv)).toEqual({ code: 2, stdout: '', stderr });
  });

  it('shows what there is when nothing is asked, as a usage error', async () => {
    const { code, stdout, stderr } = await cli([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: rethink-gen/);
  });

  it('tells an error in a sentence and a hint, with its exit code', async () => {
    const path = await configFile('');
    const error = new RethinkError('data', 'There is no cifar10.', { hint: 'Fetch it.' });
    expect(await cli(['run', path, '--quiet'], { runner: failing(error) })).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: There is no cifar10.\nhint: Fetch it.\n',
    });
  });

  it('is red only on a terminal that wants color', async () => {
    const argv = ['run', await configFile('seed: x')];
    expect((await cli(argv, { tty: true })).stderr.startsWith('\u001b[31merror:\u001b[0m ')).toBe(
      true,
    );
    expect((await cli(argv, { tty: true, env: { NO_COLOR: '1' } })).stderr).toMatch(/^error: /);
    expect((await cli(argv)).stderr).toMatch(/^error: /);
  });

  it('owns up to a bug in one line, and shows the stack only on demand', async () => {
    const argv = ['run', await configFile(''), '--quiet'];
    const runner = failing(new TypeError('x is not a function\nsecond line'));
    const plain = await cli(argv, { runner });
    expect(plain).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'error: x is not a function (this is a bug in rethink-gen)',
        'hint: Please report it with the command you ran and the output of: rethink-gen doctor',
        'hint: DEBUG=rethink-gen shows where it happened.\n',
      ].join('\n'),
    });
    expect((await cli(argv, { runner, env: { DEBUG: 'rethink-gen' } })).stderr).toMatch(
      /\n {4}at /,
    );
  });
});
