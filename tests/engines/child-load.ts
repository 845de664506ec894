// Run in a process of its own: loads the native engine, op by op or `compiled`, trains two steps, and says what it got.
import { createEngine } from '../../src/engines/index.js';
import { EAGER } from '../helpers/engine.js';
import { makeCase, trainChunk } from './fixture.js';

const engine = await createEngine({
  ...EAGER,
  threads: 1,
  eager: process.argv[2] !== 'compiled',
});
const { program, state } = makeCase({ name: 'inception' }, { imageShape: [12, 12, 3] });
const session = await engine.load(program, state);
const { finite } = await session.runSteps(trainChunk(program, 2));
process.stdout.write(JSON.stringify({ ...engine.info, finite: [...finite] }));
