import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash, resumeHash } from '../../src/config/hash.js';
import { withoutSecrets } from '../../src/config/sinks.js';
import { RethinkError } from '../../src/errors.js';

const withSinks = (...sinks: object[]) => loadExperiment({ name: 'a', record: { sinks } });

async function failure(work: Promise<unknown>): Promise<RethinkError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof RethinkError) return error;
  throw new Error('nothing was thrown');
}

describe('record.sinks', () => {
  it('changes nothing about what a run is', async () => {
    const { config } = (await withSinks({ kind: 'mlflow', url: 'http://h:5000' })).trials[0]!;
    const plain = (await loadExperiment({ name: 'a' })).trials[0]!.config;
    expect(config.record.sinks).toEqual([{ kind: 'mlflow', url: 'http://h:5000' }]);
    expect(configHash(config)).toBe(configHash(plain));
    expect(resumeHash(config)).toBe(resumeHash(plain));
  });

  it.each([
    'http://me:s3cret@h:5000',
    'https://s3cret@h/',
    'https://h/?write_token=s3cret',
    'https://h/#s3cret',
  ])('refuses %s without saying it', async (url) => {
    const text = `record.sinks=[{kind: trackio, url: "${url}"}]`;
    const given = [withSinks({ kind: 'mlflow', url }), loadExperiment({}, { overrides: [text] })];
    for (const error of await Promise.all(given.map(failure))) {
      expect(error.kind).toBe('usage');
      expect(error.message).toMatch(/record\.sinks\.0\.url holds more than an address/);
      expect(error.hint).toMatch(/_TOKEN/);
      expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
    }
  });

  it.each(['h:5000', 'file:///etc/passwd', 'sqlite:///x.db', '/some/folder', 'x'])(
    'refuses %s, which is no server',
    async (url) => {
      const error = await failure(withSinks({ kind: 'mlflow', url }));
      expect(error.message).toBe('record.sinks.0.url is not the address of a server.');
    },
  );

  it('refuses the same place twice, and kinds that are none of servers', async () => {
    const one = { kind: 'mlflow', url: 'http://h:5000' };
    expect((await failure(withSinks(one, { ...one, url: 'http://h:5000/' }))).message).toBe(
      'record.sinks.1.url stands there twice.',
    );
    expect((await withSinks(one, { ...one, experiment: 'b' })).trials).toHaveLength(1);
    for (const kind of ['parquet', 'tensorboard', 'wandb']) {
      expect((await failure(withSinks({ ...one, kind }))).message).toContain('mlflow, trackio');
    }
  });
});

describe('text that may hold URLs', () => {
  it.each([
    ['a http://me:p@ss@h/x b', 'a http://***@h/x b'],
    ['[{url: "https://h/p?token=x", k: 1}]', '[{url: "https://h/p?***", k: 1}]'],
    ['HTTPS://x@h:1 and http://y@h', 'HTTPS://***@h:1 and http://***@h'],
    ['data.dir=a@b?c', 'data.dir=a@b?c'],
  ])('%s is told as %s', (text, told) => {
    expect(withoutSecrets(text)).toBe(told);
  });
});
