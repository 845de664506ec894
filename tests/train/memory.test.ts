import { describe, expect, it } from 'vitest';
import { RethinkError } from '../../src/errors.js';
import { lossOf } from '../../src/train/losses.js';
import { memorySpec } from '../../src/train/memory.js';
import { makeCase } from '../engines/fixture.js';

const elr = lossOf({ name: 'elr', lambda: 3, beta: 0.7 }, null);

describe('what a loss remembers', () => {
  it('is a row for each training example, behind all other state, and zero at first', () => {
    const model = { name: 'mlp', hidden: [4] };
    const { program, state } = makeCase(model, { classes: 3, loss: elr, examples: 17 });
    expect(program.state.at(-1)).toEqual({ name: 'example/target', shape: [17, 3] });
    expect(program.extras).toEqual([{ name: 'position', dtype: 'int32', byExample: true }]);
    expect(state['example/target']!.data).toEqual(new Float32Array(51));
    const plain = makeCase(model, { classes: 3 });
    expect(plain.program.state).toEqual(program.state.slice(0, -1));
    expect(plain.program.extras).toEqual([]);
  });

  it('is refused where it would be more than 1 GiB', () => {
    expect(memorySpec(2 ** 18, 1024).shape).toEqual([2 ** 18, 1024]);
    const refused = () => memorySpec(1_281_167, 1000);
    expect(refused).toThrow(RethinkError);
    expect(refused).toThrow('1,000 numbers of each of 1,281,167 training examples');
  });
});
