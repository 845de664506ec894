import { sizeOf } from '../../../shape.js';
import type { GraphBuilder } from '../builder.js';
import type { Graph, Op, Value } from '../graph.js';
import { rewrite } from './rewrite.js';

type Composite = (inputs: readonly Value[], builder: GraphBuilder) => Value;

/** Ops that some lowerings have a kernel for, as the operations that all have; `models/ops.ts` has the same for tensors. */
const COMPOSITES = { whiten: whitened, allFinite: sumIsFinite } satisfies {
  [K in Op]?: Composite;
};

/** An op that a lowering may lack. */
export type CompositeOp = keyof typeof COMPOSITES;

/** Writes the ops that a lowering has no kernel for as those that every engine has. */
export function expandComposites(graph: Graph, has: readonly CompositeOp[]): Graph {
  const lacking = new Map<Op, Composite>(Object.entries(COMPOSITES) as [CompositeOp, Composite][]);
  for (const op of has) lacking.delete(op);
  return rewrite(graph, ({ op }, inputs, builder) => {
    const composite = lacking.get(op);
    return composite && [composite(inputs, builder)];
  });
}

function whitened([images]: readonly Value[], builder: GraphBuilder): Value {
  const { shape } = images!;
  const ofEach = { axes: shape.map((_, axis) => axis).slice(1), keepDims: true };
  const x = builder.cast(images!, 'float32');
  const centered = builder.apply('subtract', x, builder.emit('mean', [x], ofEach));
  const variance = builder.emit('mean', [builder.apply('square', centered)], ofEach);
  const least = builder.scalar(Math.fround(255 / Math.sqrt(sizeOf(shape.slice(1)))), 'float32');
  const deviation = builder.apply('maximum', builder.apply('sqrt', variance), least);
  return builder.apply('divide', centered, deviation);
}

/** A sum with a NaN or an infinity in it is never finite. */
function sumIsFinite(arrays: readonly Value[], builder: GraphBuilder): Value {
  const sums = arrays.map((x) =>
    x.shape.length === 0
      ? x
      : builder.emit('sum', [x], { axes: [...x.shape.keys()], keepDims: false }),
  );
  return builder.apply(
    'isFinite',
    sums.reduce((a, b) => builder.apply('add', a, b)),
  );
}
