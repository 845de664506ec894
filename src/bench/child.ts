/**
 * A process that measures one case: a native library can't be loaded twice or with other threads, and peak memory is a
 * process's own. Started by `measureInChild`.
 */
import { limitError } from '../disk/limits.js';
import { reportOf } from '../errors.js';
import { measureCase } from './measure.js';
import type { ChildMessage } from './process.js';
import type { BenchCase, Stage } from './types.js';

// Nobody is left to tell: an orphan must not keep the machine busy.
process.on('disconnect', () => process.exit(1));

process.once('message', (bench: BenchCase) => {
  void answer(bench).then((message) => process.send!(message, () => process.disconnect()));
});

async function answer(bench: BenchCase): Promise<ChildMessage> {
  try {
    const note = (text: string) => process.send!({ note: text } satisfies ChildMessage);
    const at = (stage: Stage) => process.send!({ at: stage } satisfies ChildMessage);
    return { measurement: await measureCase(bench, { note }, at) };
  } catch (error) {
    return { error: reportOf(limitError(error) ?? error) };
  }
}
