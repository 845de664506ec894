import { expect, it } from 'vitest';
import { diskError, type Owner } from '../../src/disk/errors.js';
import { RethinkError } from '../../src/errors.js';

const refusal = (code: string) => Object.assign(new Error(`${code}: system's words`), { code });

it.each<[Owner, string, string, RethinkError['kind'], RegExp | undefined]>([
  ['run', 'write', 'ENOSPC', 'failed', /resume the run/],
  ['run', 'create', 'EACCES', 'failed', /--out DIR/],
  ['run', 'read', 'EACCES', 'failed', undefined],
  ['input', 'read', 'EACCES', 'data', undefined],
  ['dataset', 'write', 'EDQUOT', 'failed', /run the command again/],
  ['engine', 'write', 'ENOSPC', 'failed', /XDG_CACHE_HOME/],
  ['engine', 'write', 'EROFS', 'failed', /XDG_CACHE_HOME/],
  ['engine', 'write', 'ENOTDIR', 'failed', undefined],
])("of %s's file: could not %s, %s", (owner, verb, code, kind, hint) => {
  const error = diskError(refusal(code), verb, '/some/file', owner);
  expect(error.kind).toBe(kind);
  expect(error.message).toMatch(new RegExp(`^Could not ${verb} /some/file: [a-z -]+\\.$`));
  if (hint === undefined) expect(error.hint).toBeUndefined();
  else expect(error.hint).toMatch(hint);
});

it('a reason that is not known is told in the words of the system, an error of ours as it is', () => {
  const message = "Could not write /some/file: EWEIRD: system's words.";
  expect(diskError(refusal('EWEIRD'), 'write', '/some/file').message).toBe(message);
  const ours = new RethinkError('usage', 'No.');
  expect(diskError(ours, 'write', '/some/file')).toBe(ours);
});
