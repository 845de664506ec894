import { sizeOf } from '../../../shape.js';
import type { GraphBuilder } from '../builder.js';
import type { Graph, Value } from '../graph.js';
import { rewrite } from './rewrite.js';

/** Writes whitening as the operations that every engine has, as `models/ops.ts` does where there is no kernel. */
export function expandWhitening(graph: Graph): Graph {
  return rewrite(graph, ({ op }, [images], builder) =>
    op === 'whiten' ? [whitened(images!, builder)] : undefined,
  );
}

function whitened(images: Value, builder: GraphBuilder): Value {
  const { shape } = images;
  const ofEach = { axes: shape.map((_, axis) => axis).slice(1), keepDims: true };
  const x = builder.cast(images, 'float32');
  const centered = builder.apply('subtract', x, builder.emit('mean', [x], ofEach));
  const variance = builder.emit('mean', [builder.apply('square', centered)], ofEach);
  const least = builder.scalar(Math.fround(255 / Math.sqrt(sizeOf(shape.slice(1)))), 'float32');
  const deviation = builder.apply('maximum', builder.apply('sqrt', variance), least);
  return builder.apply('divide', centered, deviation);
}
