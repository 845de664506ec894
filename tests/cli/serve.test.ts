import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeRun } from '../report/helpers.js';
import { Captured, cli } from './helpers.js';

/** Serves a folder until `use` is done, and then is interrupted. */
async function serving(args: string[], use: (stdout: string) => Promise<void>) {
  const [stdout, stderr] = [new Captured(), new Captured()];
  const ended = main(['serve', ...args], { stdout, stderr, env: {} });
  await vi.waitFor(() => expect(stdout.text).toMatch(/\n$/), 20_000);
  await use(stdout.text);
  process.emit('SIGINT');
  return { code: await ended, stdout: stdout.text, stderr: stderr.text };
}

describe('serve', () => {
  it('prints where the page is, answers there, and ends at once with 130', async () => {
    const folder = temporaryFolder();
    await writeRun(join(folder, 'one'));
    let url = '';
    const { code, stderr } = await serving([folder, '--port', '0', '--json'], async (stdout) => {
      const told = JSON.parse(stdout) as { event: string; url: string; port: number; runs: number };
      expect(told).toMatchObject({ event: 'serving', address: '127.0.0.1', runs: 1 });
      url = told.url;
      const answer = await fetch(url);
      expect(await answer.text()).toContain('from 1 run: 1 finished');
    });
    expect(code).toBe(130);
    expect(stderr).toContain('error: Interrupted while serving.');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('tells a person the address alone on a line, also where there is no run yet', async () => {
    const folder = temporaryFolder();
    const { stdout } = await serving([folder, '--port=0', '--host=0.0.0.0'], async () => {});
    const [url, note] = stdout.split('\n');
    expect(url).toMatch(/^http:\/\/\S+:\d+\/[\w-]{43}\/$/);
    expect(note).toBe(`0 runs below ${folder}; Ctrl-C ends it`);
  });

  it.each([
    [['--port', 'http'], 2, 'It should be a port, from 1 to 65535, or 0 for any.'],
    [['--port', '65536'], 2, 'It should be a port'],
    [['--host', '203.0.113.7'], 2, 'Could not listen at 203.0.113.7, port 1611: it is no address'],
    [['--host', ''], 2, 'There is no machine called ""'],
  ])('answers %j with a sentence', async (options, code, sentence) => {
    const outcome = await cli(['serve', temporaryFolder(), ...options]);
    expect([outcome.code, outcome.stdout]).toEqual([code, '']);
    expect(outcome.stderr).toContain(sentence);
  });

  it('says which folder is missing', async () => {
    const missing = join(temporaryFolder(), 'nowhere', 'runs');
    mkdirSync(join(missing, '..'));
    const { code, stderr } = await cli(['serve', missing]);
    expect([code, stderr]).toEqual([3, expect.stringContaining(`There is no folder ${missing}.`)]);
  });
});
