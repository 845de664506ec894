import { resolveConfig } from '../../src/config/resolve.js';
import { configSchema } from '../../src/config/schema.js';
import type { HostState } from '../../src/engines/types.js';
import { buildModel } from '../../src/models/index.js';
import type { Model } from '../../src/models/types.js';
import { Random } from '../../src/random.js';
import { initialState } from '../../src/train/init.js';

export function build(
  model: Record<string, unknown>,
  inputShape: [number, number, number],
  classes = 3,
): Model {
  const config = resolveConfig(configSchema.parse({ model }), 'test');
  return buildModel({ config: config.model, inputShape, classes, dropout: 0 });
}

/** A state as training could leave it: biases, scales of either sign and statistics that are not the first ones. */
export function trainedState(model: Model): HostState {
  const state = initialState(model, 1);
  for (const [name, tensor] of Object.entries(state)) {
    const random = new Random(2, name);
    const { data } = tensor;
    if (/\/(shift|bias|mean)$/.test(name))
      for (const i of data.keys()) data[i] = random.normal() / 4;
    if (name.endsWith('/scale')) for (const i of data.keys()) data[i] = random.normal();
    if (name.endsWith('/variance')) for (const i of data.keys()) data[i] = 0.5 + random.uniform();
  }
  return state;
}
