import { RethinkError } from '../errors.js';
import { sizeOf } from '../shape.js';
import type { HostState, Program } from './types.js';

/** Refuses a state that isn't this program's: a tensor missing, one too many, or one of another shape. */
export function checkState(program: Program, state: HostState): void {
  const expected = new Map(program.state.map(({ name, shape }) => [name, shape]));
  for (const [name, shape] of expected) {
    const found = state[name];
    if (found === undefined) throw mismatch(`it has no ${name}`);
    const size = sizeOf(shape);
    if (found.shape.join() !== shape.join() || found.data.length !== size) {
      throw mismatch(
        `${name} has shape [${found.shape}] with ${found.data.length} values, not [${shape}]`,
      );
    }
  }
  const extra = Object.keys(state).find((name) => !expected.has(name));
  if (extra !== undefined) throw mismatch(`it has ${extra}, which the model hasn't`);
}

function mismatch(what: string): RethinkError {
  return new RethinkError('data', `The state doesn't belong to this model: ${what}.`, {
    hint: 'Use the config and the version of rethink-gen that wrote it.',
  });
}
