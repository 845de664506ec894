import type { Graph, Node } from '../../trace/graph.js';
import type { Program } from '../../types.js';
import { stepOf } from './feeds.js';
import { Gate } from './gate.js';
import { attribute, type GraphDefWriter } from './graph-def.js';
import { LowerContext, type Ref, typeOf } from './lower/context.js';
import { lowerGraph } from './lower/index.js';
import type { Endpoint, Variables } from './variables.js';

const BOOL = { shape: [], dtype: 'bool' } as const;

/**
 * Endpoint that takes `steps` training steps, one after the other. Fed with images, labels, learning rates and masks
 * of all of them; gives loss, correct and finite, [steps] each.
 */
export function trainEndpoint(
  writer: GraphDefWriter,
  variables: Variables,
  graph: Graph,
  program: Program,
  steps: number,
): Endpoint {
  const context = new LowerContext(writer, `train${steps}`);
  const { batchSize: batch } = program;
  const bytes = (name: string, shape: readonly number[]) =>
    context.placeholder(name, { shape: [steps, batch, ...shape], dtype: 'uint8' });
  const images = bytes('images', program.imageShape);
  const labels = context.placeholder('labels', { shape: [steps, batch], dtype: 'int32' });
  const rates = context.placeholder('learningRates', { shape: [steps], dtype: 'float32' });
  const masks = program.masks.map(
    ({ name, units }) => [`mask/${name}`, bytes(`mask/${name}`, [units])] as const,
  );
  const perStep = new Map<string, Ref>([
    ['images', images],
    ['labels', labels],
    ['learningRate', rates],
    ...masks,
  ]);
  const results = { loss: [] as Ref[], correct: [] as Ref[], finite: [] as Ref[] };
  let previous: Step | undefined;
  for (let index = 0; index < steps; index++) {
    const inputs = new Map([...perStep].map(([name, x]) => [name, stepOf(context, x, index)]));
    previous = addStep(writer, variables, graph, `train${steps}/${index}`, inputs, previous);
    results.loss.push(previous.loss);
    results.correct.push(previous.correct);
    results.finite.push(previous.alive);
  }
  const fetches = Object.entries(results).map(([name, refs]) => {
    const type = { shape: [steps], dtype: refs[0]!.dtype };
    const attributes = {
      ...typeOf(type),
      N: attribute.integer(steps),
      axis: attribute.integer(0),
    };
    const packed = context.node('Pack', refs, attributes, type);
    // Behind the last step's updates: whatever isn't needed for what is fetched would not run.
    const inputs = [packed.id, `^${previous!.done}`];
    return writer.node(`${context.prefix}/${name}`, 'Identity', inputs, typeOf(type));
  });
  const feed = (name: string) => `${context.prefix}/${name}`;
  const feeds = ['images', 'labels', 'learningRates', ...masks.map(([name]) => name)].map(feed);
  return { feeds, fetches };
}

interface Step {
  loss: Ref;
  correct: Ref;
  /** Whether this step and all before it in the call were finite: only then is the state changed. */
  alive: Ref;
  /** A node that runs when the state is what it is after this step. */
  done: string;
}

function addStep(
  writer: GraphDefWriter,
  variables: Variables,
  graph: Graph,
  prefix: string,
  inputs: ReadonlyMap<string, Ref>,
  previous: Step | undefined,
): Step {
  const context = new LowerContext(writer, prefix);
  const state = variables.read(prefix, previous === undefined ? [] : [previous.done]);
  const named = new Map([...state].map(([name, ref]) => [`state/${name}`, ref]));
  const updates = momentumUpdates(graph);
  const refOf = lowerGraph(context, graph, new Map([...named, ...inputs]), new Set(updates.keys()));
  const output = (name: string): Ref => refOf(graph.outputs.get(name)!);

  const finite = output('finite');
  const alive =
    previous === undefined
      ? finite
      : context.node('LogicalAnd', [previous.alive, finite], {}, BOOL);
  const gate = new Gate(writer, prefix, alive, inputs.get('learningRate')!, [...state.values()]);
  const changed: string[] = [];
  for (const [node, target] of updates) {
    const [, , gradient] = node.inputs;
    const momentum = context.scalar(node.attrs.momentum, 'float32');
    changed.push(
      writer.node(
        `${prefix}/update/${target.parameter}`,
        'ResourceApplyMomentum',
        [
          variables.handle(target.parameter),
          variables.handle(target.velocity),
          gate.open,
          refOf(gradient!).id,
          momentum.id,
        ],
        {
          ...typeOf({ dtype: 'float32' }),
          use_locking: attribute.bool(false),
          use_nesterov: attribute.bool(false),
        },
      ),
    );
  }
  const updated = new Set([...updates.values()].flatMap((t) => [t.parameter, t.velocity]));
  for (const { name } of variables.specs) {
    const value = graph.outputs.get(`state/${name}`)!;
    if (updated.has(name) || value === graph.inputs.get(`state/${name}`)) continue;
    changed.push(variables.assign(name, prefix, refOf(value).id, [gate.open]));
  }
  return { loss: output('loss'), correct: output('correct'), alive, done: gate.close(changed) };
}

/** The updates that one native op makes in place, with the names of their variables. */
function momentumUpdates(
  graph: Graph,
): Map<Node<'applyMomentum'>, { parameter: string; velocity: string }> {
  const names = new Map([...graph.inputs].map(([name, value]) => [value, name]));
  const updates = new Map<Node<'applyMomentum'>, { parameter: string; velocity: string }>();
  const rate = graph.inputs.get('learningRate');
  for (const node of graph.nodes) {
    if (node.op !== 'applyMomentum' || node.inputs[3] !== rate) continue;
    const [parameter, velocity] = node.inputs.map((value) => names.get(value));
    if (parameter === undefined || velocity === undefined) continue;
    const [p, v] = node.outputs;
    if (graph.outputs.get(parameter) !== p || graph.outputs.get(velocity) !== v) continue;
    const bare = (name: string) => name.replace(/^state\//, '');
    updates.set(node, { parameter: bare(parameter), velocity: bare(velocity) });
  }
  return updates;
}
