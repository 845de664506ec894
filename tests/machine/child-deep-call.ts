// Run in a process of its own: an asynchronous native call that recurses through about 5 MiB of stack, as compilers do.

import { allocate, awaitCall } from '../../src/engines/native/memory.js';
import koffi from '../../src/machine/koffi.js';

const regcomp = koffi
  .load('libc.so.6')
  .func('int regcomp(void *compiled, const char *pattern, int flags)');
const REG_EXTENDED = 1;
const depth = 10_000;
const pattern = `${'('.repeat(depth)}x${')'.repeat(depth)}`;
const compiled = allocate(256);
const result = await awaitCall(compiled, (done) =>
  regcomp.async(compiled, pattern, REG_EXTENDED, done),
);
process.stdout.write(String(result));
