import { sizeOf } from '../shape.js';
import { flatten, type LayerBuilder, type Network } from './layers.js';
import { relu } from './ops.js';
import type { ModelOptions } from './types.js';

/** Multi-layer perceptron with ReLU between its layers (paper, appendix A): pixels → hidden… → classes. */
export function mlp(
  builder: LayerBuilder,
  { config, inputShape, classes, dropout }: ModelOptions,
): Network {
  let inputs = sizeOf(inputShape);
  const hidden = config.hidden.map((units, i) => {
    const dense = builder.dense(`dense${i + 1}`, inputs, units);
    const drop = builder.dropout(`dense${i + 1}/dropout`, units, dropout > 0);
    inputs = units;
    return { dense, drop };
  });
  const output = builder.output(inputs, classes);

  return (pass, images) => {
    let x = flatten(images);
    for (const { dense, drop } of hidden) x = drop(pass, relu(dense(pass, x)));
    return output(pass, x);
  };
}
