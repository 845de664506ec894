import { flatten, LayerBuilder } from './layers.js';
import { relu } from './ops.js';
import type { Model, ModelOptions } from './types.js';

/** Multi-layer perceptron with ReLU between its layers (paper, appendix A): pixels → hidden… → classes. */
export function mlp({ config, inputShape, classes, dropout }: ModelOptions): Model {
  const builder = new LayerBuilder();
  let inputs = inputShape[0] * inputShape[1] * inputShape[2];
  const hidden = config.hidden.map((units, i) => {
    const dense = builder.dense(`dense${i + 1}`, inputs, units);
    const drop = builder.dropout(`dense${i + 1}/dropout`, units, dropout > 0);
    inputs = units;
    return { dense, drop };
  });
  const output = builder.output(inputs, classes);

  return {
    name: 'mlp',
    inputShape,
    classes,
    parameters: builder.parameters,
    statistics: builder.statistics,
    masks: builder.masks,
    forward(parameters, images, mode) {
      const pass = { parameters, mode, statistics: {} };
      let x = flatten(images);
      for (const { dense, drop } of hidden) x = drop(pass, relu(dense(pass, x)));
      return { logits: output(pass, x), statistics: pass.statistics };
    },
  };
}
