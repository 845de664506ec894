import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { reportError } from '../../src/cli/show/errors.js';
import { diskError, type Owner } from '../../src/disk/errors.js';
import { limitError } from '../../src/disk/limits.js';
import { Captured } from '../cli/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const CODES = ['EMFILE', 'ENFILE', 'EFBIG', 'EAGAIN', 'ENOMEM'];
const refusal = (code: string) =>
  Object.assign(new Error(`${code}: words`), { code, syscall: 'open', path: '/some/file' });

describe.each(CODES)('%s', (code) => {
  it.each<Owner>(['run', 'input', 'dataset', 'engine'])('is no fault of the file: %s', (owner) => {
    for (const verb of ['read', 'write']) {
      const error = diskError(refusal(code), verb, '/some/file', owner);
      expect([error.kind, error.exitCode]).toEqual(['failed', 1]);
      expect(error.message).toMatch(
        /^Could not (read|write) \/some\/file: [a-z ]+( \(at most [\d,]+ [a-z]+\))?\.$/,
      );
      expect(error.hint).toMatch(/^[A-Z].* the (limit|command)|memory/);
    }
  });

  it('is a sentence wherever it comes from, and not a bug', () => {
    const stderr = new Captured();
    expect(reportError(refusal(code), { stderr, env: {} })).toBe(1);
    expect(stderr.text).toMatch(/^error: Could not open \/some\/file: [^\n]+\nhint: [^\n]+\n$/);
  });
});

it('is told apart from a code of a library, and from other refusals', () => {
  expect(limitError(Object.assign(new Error(), { code: 'EMFILE' }))).toBeUndefined();
  expect(limitError(refusal('ENOENT'))).toBeUndefined();
  expect(limitError(null)).toBeUndefined();
});

describe('the command line under a limit', () => {
  const bin = fileURLToPath(new URL('../../bin/rethink-gen.js', import.meta.url));
  const under = (limit: string, ...args: string[]) => {
    const command = [process.execPath, bin, ...args].map((arg) => `'${arg}'`).join(' ');
    return spawnSync('bash', ['-c', `${limit}; exec ${command}`], { encoding: 'utf8' });
  };
  const built = existsSync(new URL('../../dist/cli/index.js', import.meta.url));

  it.skipIf(!built).each([24, 32, 64])('of %i open files says it and what to do', (n) => {
    const { status, stderr } = under(`ulimit -n ${n}`, 'doctor');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: /m);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it.skipIf(!built)('of a file’s size says it and what to do', () => {
    const config = join(temporaryFolder(), 'x.json');
    const model = { name: 'mlp', hidden: [512] };
    writeFileSync(
      config,
      JSON.stringify({
        name: 'x',
        data: { name: 'synthetic', limit: 100 },
        model,
        engine: { name: 'wasm' },
      }),
    );
    const { status, stderr } = under('ulimit -f 64', 'run', config, '--out', temporaryFolder());
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: Could not write .*: the file would become larger than is allowed here \(at most/m,
    );
    expect(stderr).toMatch(/^hint: Raise the limit, .* ulimit -f unlimited$/m);
  });
});
