import { expect, it } from 'vitest';
import { NativeSession } from '../../src/engines/tensorflow/native-session.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { testLowering } from './lowering/suite.js';
import { reshapeGraph, TENSORFLOW_LOWERING } from './tensorflow-run.js';

const { engine, skipped } = await ensureTensorflow();

testLowering('TensorFlow graphs', TENSORFLOW_LOWERING, skipped);

it.skipIf(engine === undefined)(
  `a failure inside TensorFlow is one sentence${skipped}`,
  async () => {
    const session = NativeSession.create(reshapeGraph());
    const feeds = [
      { data: Float32Array.of(1, 2), shape: [2] },
      { data: Int32Array.of(3), shape: [1] },
    ];
    await expect(
      session.run({ feeds: ['x', 'shape'], fetches: ['y'] }, feeds),
    ).rejects.toMatchObject({
      name: 'RethinkError',
      message: expect.stringMatching(/^TensorFlow failed in a step: .*reshape/i),
    });
    session.dispose();
    session.dispose();
  },
);
