import type { Graph, Node } from '../../trace/graph.js';
import { extraShape, type Program } from '../../types.js';
import { Gate } from './gate.js';
import { attribute, type GraphDefWriter } from './graph-def.js';
import { LowerContext, type Ref, typeOf } from './lower/context.js';
import { lowerGraph, type SpecialLowering } from './lower/index.js';
import { type MomentumUpdate, momentumUpdates } from './updates.js';
import type { Endpoint, Variables } from './variables.js';

const BOOL = { shape: [], dtype: 'bool' } as const;
const APPLY_MOMENTUM = {
  ...typeOf({ dtype: 'float32' }),
  use_locking: attribute.bool(false),
  use_nesterov: attribute.bool(false),
};

export interface TrainOptions {
  /** That one call takes. */
  steps: number;
  /** Whether weights are updated by the operation of ops.cc as far as it can. */
  fused: boolean;
}

/**
 * Endpoint that takes `steps` training steps, one after the other. Fed with images, labels, learning rates, masks and
 * extras of all of them; gives loss, correct and finite, [steps] each.
 */
export function trainEndpoint(
  writer: GraphDefWriter,
  variables: Variables,
  graph: Graph,
  program: Program,
  { steps, fused }: TrainOptions,
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
  const extras = program.extras.map((spec) => {
    const type = { shape: [steps, ...extraShape(spec, batch)], dtype: spec.dtype };
    return [spec.name, context.placeholder(spec.name, type)] as const;
  });
  const perStep = new Map<string, Ref>([
    ['images', images],
    ['labels', labels],
    ['learningRate', rates],
    ...masks,
    ...extras,
  ]);
  const results = { loss: [] as Ref[], correct: [] as Ref[], finite: [] as Ref[] };
  const updates = momentumUpdates(graph, fused);
  let previous: Step | undefined;
  for (let index = 0; index < steps; index++) {
    const inputs = new Map([...perStep].map(([name, x]) => [name, stepOf(context, x, index)]));
    const prefix = `train${steps}/${index}`;
    previous = addStep({ writer, variables, graph, updates, prefix, inputs, previous });
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
  const further = [...masks, ...extras].map(([name]) => name);
  return { feeds: ['images', 'labels', 'learningRates', ...further].map(feed), fetches };
}

interface Step {
  loss: Ref;
  correct: Ref;
  /** Whether this step and all before it in the call were finite: only then is the state changed. */
  alive: Ref;
  /** Parameters after this step as the next one needs them, rounded to bfloat16, by what they are rounded by. */
  rounded: ReadonlyMap<Node, Ref>;
  /** A node that runs when the state is what it is after this step. */
  done: string;
}

interface StepInputs {
  writer: GraphDefWriter;
  variables: Variables;
  graph: Graph;
  updates: readonly MomentumUpdate[];
  /** Of the names of the step's nodes. */
  prefix: string;
  inputs: ReadonlyMap<string, Ref>;
  previous: Step | undefined;
}

function addStep(step: StepInputs): Step {
  const { writer, variables, graph, updates, prefix, inputs, previous } = step;
  const context = new LowerContext(writer, prefix);
  const state = variables.read(prefix, previous === undefined ? [] : [previous.done]);
  const named = new Map([...state].map(([name, ref]) => [`state/${name}`, ref]));
  const special = specialLowerings(context, updates, previous);
  const refOf = lowerGraph(context, graph, new Map([...named, ...inputs]), special);
  const output = (name: string): Ref => refOf(graph.outputs.get(name)!);

  const finite = output('finite');
  const alive =
    previous === undefined
      ? finite
      : context.node('LogicalAnd', [previous.alive, finite], {}, BOOL);
  const learningRate = inputs.get('learningRate')!;
  const gate = new Gate(writer, prefix, alive, learningRate, [...state.values()]);
  const changed: string[] = [];
  const rounded = new Map<Node, Ref>();
  for (const { node, parameter, velocity, fused } of updates) {
    const name = `${prefix}/update/${parameter}`;
    if (fused === undefined) {
      const momentum = context.scalar(node.attrs.momentum, 'float32').id;
      const handles = [variables.handle(parameter), variables.handle(velocity)];
      const operands = [...handles, gate.open, refOf(node.inputs[2]!).id, momentum];
      changed.push(writer.node(name, 'ResourceApplyMomentum', operands, APPLY_MOMENTUM));
      continue;
    }
    const before = refOf(fused.rounding.outputs[0]!);
    const reads = [state.get(parameter)!.id, state.get(velocity)!.id];
    const operands = [...reads, refOf(fused.gradient).id, learningRate.id, gate.decided];
    // It writes where the parameter was read from: after what reads it.
    const id = writer.node(name, 'RethinkGenApplyMomentum', [...operands, `^${before.id}`], {
      momentum: attribute.float(node.attrs.momentum),
      weight_decay: attribute.float(fused.weightDecay),
    });
    rounded.set(fused.rounding, { ...before, id });
  }
  const updated = new Set(updates.flatMap(({ parameter, velocity }) => [parameter, velocity]));
  for (const { name } of variables.specs) {
    const value = graph.outputs.get(`state/${name}`)!;
    if (updated.has(name) || value === graph.inputs.get(`state/${name}`)) continue;
    changed.push(variables.assign(name, prefix, refOf(value).id, [gate.open]));
  }
  const always = [...rounded.values()].map(({ id }) => id);
  const done = gate.close(changed, always);
  return { loss: output('loss'), correct: output('correct'), alive, rounded, done };
}

/** The updates are written by `addStep`; what a fused one takes over is not computed. */
function specialLowerings(
  context: LowerContext,
  updates: readonly MomentumUpdate[],
  previous: Step | undefined,
): Map<Node, SpecialLowering> {
  const special = new Map<Node, SpecialLowering>();
  for (const { node, fused } of updates) {
    special.set(node, () => []);
    if (fused === undefined) continue;
    const known = previous?.rounded.get(fused.rounding);
    if (known !== undefined) special.set(fused.rounding, () => [known]);
    for (const sum of fused.sums) {
      special.set(sum, (refOf) => [
        context.node('RethinkGenSum', [refOf(fused.gradient)], {}, sum.outputs[0]!),
      ]);
    }
  }
  return special;
}

/** Part `index` of what has a leading axis of steps. */
function stepOf(context: LowerContext, x: Ref, index: number): Ref {
  const [steps, ...shape] = x.shape;
  if (steps === 1) return context.reshape(x, shape);
  const begin = [index, ...shape.map(() => 0)];
  return context.reshape(context.slice(x, begin, [1, ...shape]), shape);
}
