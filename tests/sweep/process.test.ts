import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { runInProcess, type TrialRequest } from '../../src/sweep/process.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { sweep } from './helpers.js';

/** Runs a script in place of a trial. */
async function run(script: string, signal = new AbortController().signal) {
  const child = join(temporaryFolder(), 'child.mjs');
  writeFileSync(child, script);
  const { trials } = await sweep({ seeds: 1 });
  const request: TrialRequest = { config: trials[0]!.config, runDir: null, options: {} };
  const seen: unknown[] = [];
  const events = {
    note: (text: string) => seen.push(text),
    epoch: (row: unknown) => seen.push(row),
  };
  const ended = runInProcess(request, { events, signal, env: { SLOT: '7' }, child });
  const error = await ended.then(
    () => undefined,
    (thrown: unknown) => thrown as RethinkError,
  );
  return { seen, error, result: error ? undefined : await ended };
}

describe('the process of a trial', () => {
  it('is told what to run, and tells events and result, numbers that JSON lacks among them', async () => {
    const { seen, result } = await run(`process.once('message', ({ config }) => {
      process.send({ event: 'note', args: [process.env.SLOT + config.name] });
      process.send({ event: 'epoch', args: [{ train_loss: NaN }] });
      process.send({ finished: { result: { outcome: 'finished' }, runDir: 'd' } }, () => process.exit());
    });`);
    expect(seen).toEqual(['7tiny', { train_loss: Number.NaN }]);
    expect(result).toEqual({ result: { outcome: 'finished' }, runDir: 'd' });
  });

  it.each([
    [
      'a signal',
      `process.kill(process.pid, 'SIGKILL')`,
      /ended with SIGKILL\./,
      /Out of memory, perhaps/,
    ],
    [
      'an abort',
      `console.error('free(): invalid pointer'); process.abort()`,
      /SIGABRT\. Its last words: /,
      /goes on from the last checkpoint/,
    ],
    ['an exit', 'process.exit(9)', /ended with exit code 9\./, /goes on/],
    ['a syntax error', 'const = 1;', /exit code 1\. Its last words: /, /goes on/],
  ])('fails by itself where it dies of %s', async (_what, script, message, hint) => {
    const { error } = await run(script);
    expect(error).toBeInstanceOf(RethinkError);
    expect(error!.kind).toBe('failed');
    expect(error!.message).toMatch(message);
    expect(error!.hint).toMatch(hint);
  });

  it('passes errors on as what they are', async () => {
    const send = (error: object) =>
      `process.once('message', () => process.send({ error: ${JSON.stringify(error)} }, () => process.exit()));`;
    const known = await run(
      send({ kind: 'data', message: 'No data.', hint: 'Get it.', bug: false }),
    );
    expect(known.error).toMatchObject({ kind: 'data', message: 'No data.', hint: 'Get it.' });
    const bug = await run(send({ kind: 'failed', message: 'x is undefined', bug: true }));
    expect(bug.error).not.toBeInstanceOf(RethinkError);
  });

  it('is told of an interruption, before it began or after', async () => {
    const script = `process.on('message', (m) => m === 'interrupt' &&
      process.send({ error: { kind: 'interrupted', message: 'stopped', bug: false } }, () => process.exit()));
      process.send({ event: 'note', args: ['up'] });`;
    const early = AbortSignal.abort();
    expect((await run(script, early)).error!.kind).toBe('interrupted');
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    expect((await run(script, controller.signal)).error!.kind).toBe('interrupted');
  });

  it.each(['SIGUSR1', 'SIGUSR2'] as const)(
    'is asked for a checkpoint where this one gets %s',
    async (signal) => {
      const ended = run(`process.on('message', (m) => m === 'checkpoint' &&
      process.send({ error: { kind: 'failed', message: 'asked', bug: false } }, () => process.exit()));
      process.send({ event: 'note', args: ['up'] });`);
      const asking = setInterval(() => process.emit(signal), 20);
      expect((await ended).error!.message).toBe('asked');
      clearInterval(asking);
      await vi.waitFor(() => expect(process.listenerCount(signal)).toBe(0));
    },
  );
});
