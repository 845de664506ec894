import { expect, it } from 'vitest';
import { runTypeScript } from '../helpers/child.js';

// XLA's GPU compiler needs more than koffi's own 128 KiB; without a GPU, the C library's parser of regular expressions
// recurses as deeply.
it.runIf(process.platform === 'linux')('asynchronous calls have a stack of 8 MiB', async () => {
  const { code, stdout, stderr } = await runTypeScript('tests/machine/child-deep-call.ts');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '0', stderr: '' });
});
