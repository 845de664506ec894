import type { Graph, Node, Value } from '../../trace/graph.js';

/** An update that one operation makes in place, with the names of its variables. */
export interface MomentumUpdate {
  node: Node<'applyMomentum'>;
  parameter: string;
  velocity: string;
  /** What can be done in the same pass over the parameter, if anything. */
  fused: FusedUpdate | undefined;
}

/** A bfloat16 gradient that need not become float32 first, for a parameter that is only ever used rounded. */
export interface FusedUpdate {
  /** bfloat16. */
  gradient: Value;
  /** What of the parameter is added to the gradient. */
  weightDecay: number;
  /** The only node that reads the parameter, but for update and decay: a cast to bfloat16. */
  rounding: Node;
  /** Sums of all elements of the gradient. */
  sums: readonly Node[];
}

/** The updates in place, fused with what else is done to a parameter if that is asked for. */
export function momentumUpdates(graph: Graph, fuse: boolean): MomentumUpdate[] {
  const names = new Map([...graph.inputs].map(([name, value]) => [value, name]));
  const rate = graph.inputs.get('learningRate');
  const usersOf = fuse ? users(graph) : () => [];
  const updates: MomentumUpdate[] = [];
  for (const node of graph.nodes) {
    if (node.op !== 'applyMomentum' || node.inputs[3] !== rate) continue;
    const [parameter, velocity] = node.inputs.map((value) => names.get(value));
    if (parameter === undefined || velocity === undefined) continue;
    const [p, v] = node.outputs;
    if (graph.outputs.get(parameter) !== p || graph.outputs.get(velocity) !== v) continue;
    const bare = (name: string) => name.replace(/^state\//, '');
    updates.push({
      node,
      parameter: bare(parameter),
      velocity: bare(velocity),
      fused: fuse ? fusedUpdate(node, usersOf) : undefined,
    });
  }
  return updates;
}

function fusedUpdate(
  node: Node<'applyMomentum'>,
  usersOf: (value: Value) => readonly Node[],
): FusedUpdate | undefined {
  const [parameter, velocity, step] = node.inputs as [Value, Value, Value];
  const decay = weightDecay(step, parameter);
  const widened = decay?.gradient ?? step;
  const [gradient] = widened.node.inputs;
  if (widened.node.op !== 'cast' || gradient?.dtype !== 'bfloat16') return undefined;
  const own: (Node | undefined)[] = [node, decay?.node];
  const [rounding, ...others] = usersOf(parameter).filter((user) => !own.includes(user));
  if (rounding?.op !== 'cast' || rounding.outputs[0]!.dtype !== 'bfloat16') return undefined;
  if (others.length > 0 || usersOf(velocity).length > 1) return undefined;
  const sums = usersOf(widened).filter(
    (user) => user.op === 'sum' && user.outputs[0]!.shape.length === 0,
  );
  return { gradient, weightDecay: decay?.rate ?? 0, rounding, sums };
}

/** Takes `gradient + rate · parameter` apart. */
function weightDecay(step: Value, parameter: Value) {
  if (step.node.op !== 'add') return undefined;
  for (const [gradient, penalty] of [step.node.inputs, step.node.inputs.toReversed()]) {
    const { node } = penalty!;
    const rate = node.inputs.find((value) => value !== parameter)?.node;
    if (node.op !== 'multiply' || !node.inputs.includes(parameter)) continue;
    if (rate?.op === 'splat') return { gradient: gradient!, node, rate: rate.attrs.value };
  }
  return undefined;
}

function users(graph: Graph): (value: Value) => readonly Node[] {
  const found = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of new Set(node.inputs)) found.set(value, [...(found.get(value) ?? []), node]);
  }
  return (value) => found.get(value) ?? [];
}
