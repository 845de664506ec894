import type { Graph } from '../../trace/graph.js';
import { Emitter } from './emitter.js';
import { lowerFunction } from './function.js';
import { endToEnd, stackBits } from './pack.js';
import { collectedOf, parted, type Round, roundOf, stateOf } from './round.js';
import {
  type LoopSignature,
  type LoopSpec,
  type LoopType,
  loopSignature,
  named,
  plain,
} from './signature.js';
import type { Target } from './target.js';
import { elementType, type Ref, tensorType, typeOf } from './text.js';

/** The program: `@main` loops over `@step` by a `stablehlo.while`, all state resident on the device. */
export function lowerLoop(spec: LoopSpec, target: Target): string {
  const signature = loopSignature(spec);
  const guards = spec.guard === undefined ? [] : [spec.guard];
  for (const name of [...spec.carried, ...guards]) named(spec.graph, 'output', name);
  const { devices } = spec;
  const partitions = `attributes {mhlo.num_partitions = ${devices} : i32, mhlo.num_replicas = 1 : i32} `;
  return [
    `module @program ${devices > 1 ? partitions : ''}{`,
    mainFunction(spec, signature, roundOf(signature, target)),
    lowerFunction(spec.graph, 'step', 'private', target),
    '}',
    '',
  ].join('\n');
}

function mainFunction(spec: LoopSpec, signature: LoopSignature, round: Round): string {
  const e = new Emitter('m');
  const { args, state, groups, steps } = mainArguments(signature, spec.devices);
  const stacks = new Map(
    [...groups].map(([name, parts]): [string, Ref] => [name, e.concat(parts, 0)]),
  );
  const collectors = round.kept.map((names) => {
    const [capacity, ...shape] = signature.collected.get(names[0]!)!.shape;
    return e.splat(0, [capacity!, names.length, ...shape], 'i32');
  });
  const refsOf = (names: readonly string[]) => names.map((name) => state.get(name)!);
  const row = round.small.length > 0 ? [endToEnd(e, refsOf(round.small))] : [];
  const start = e.scalar(0, 'i32');
  // Everything that the body reads goes round with it: a while's regions see nothing else.
  const carried = [
    ...[start, steps, ...collectors, ...row, ...refsOf(round.large)],
    ...stacks.values(),
  ];
  const inside = carried.map((ref, i) => ({ ...ref, id: `%c${i}` }));
  const types = carried.map(typeOf).join(', ');
  const after = new Emitter('a');
  const left = carried.map((ref, i) => ({ ...ref, id: `%w#${i}` })).slice(HEAD);
  const collected = collectedOf(after, signature, round, left);
  const last = stateOf(after, signature, round, left);
  const results = [
    ...[...signature.collected.keys()].map((name) => collected.get(name)!),
    ...signature.carried.map((name) => last.get(name)!),
  ];
  const resultTypes = results.map(typeOf).join(', ');
  const whole = attributes(sharding({ shape: [] }, spec.devices));
  const declared = results.map((ref) => `${typeOf(ref)}${whole}`).join(', ');
  return [
    `func.func public @main(${args.join(', ')}) -> (${declared}) {`,
    ...e.lines,
    `%w:${carried.length} = stablehlo.while(${inside.map((ref, i) => `${ref.id} = ${carried[i]!.id}`).join(', ')}) : ${types}`,
    'cond {',
    '%more = stablehlo.compare LT, %c0, %c1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>',
    'stablehlo.return %more : tensor<i1>',
    '} do {',
    ...loopBody(spec, signature, round, inside.slice(HEAD), types),
    '}',
    ...after.lines,
    `return ${results.map(({ id }) => id).join(', ')} : ${resultTypes}`,
    '}',
  ].join('\n');
}

/** The counter and the number of steps go before all else. */
const HEAD = 2;

interface MainArguments {
  /** As they are declared. */
  args: string[];
  state: Map<string, Ref>;
  groups: Map<string, Ref[]>;
  steps: Ref;
}

function mainArguments(signature: LoopSignature, devices: number): MainArguments {
  const args: string[] = [];
  const argument = (kind: LoopType, ...others: string[]): Ref => {
    const ref = { id: `%arg${args.length}`, shape: kind.shape, type: kind.type };
    args.push(`${ref.id}: ${typeOf(ref)}${attributes([...sharding(kind, devices), ...others])}`);
    return ref;
  };
  const state = new Map(
    [...signature.state].map(([name, type]): [string, Ref] => {
      const position = signature.carried.indexOf(name);
      const result = signature.collected.size + position;
      const donated = position === -1 ? [] : [`tf.aliasing_output = ${result} : i32`];
      return [name, argument(type, ...donated)];
    }),
  );
  const groups = new Map(
    [...signature.perStep].map(([name, type]): [string, Ref[]] => [
      name,
      Array.from({ length: type.groups }, () => argument(type)),
    ]),
  );
  return { args, state, groups, steps: argument({ shape: [], type: 'i32' }) };
}

/** How an argument or result lies on several devices: the partitioner finds out about all else from these. */
function sharding(
  { shape, dividedAxis }: Pick<LoopType, 'shape' | 'dividedAxis'>,
  devices: number,
) {
  if (devices === 1) return [];
  const tiles = shape.map((_, axis) => (axis === dividedAxis ? devices : 1));
  const how = dividedAxis === undefined ? 'replicated' : `devices=[${tiles}]<=[${devices}]`;
  return [`mhlo.sharding = "{${how}}"`];
}

function attributes(list: readonly string[]): string {
  return list.length === 0 ? '' : ` {${list.join(', ')}}`;
}

/** One step: slices of this step's inputs, the call, and what goes round again. */
function loopBody(
  spec: LoopSpec,
  signature: LoopSignature,
  round: Round,
  rest: readonly Ref[],
  types: string,
): string[] {
  const e = new Emitter('b');
  const index: Ref = { id: '%c0', shape: [], type: 'i32' };
  const { collectors, row, large, stacks } = parted(round, rest);
  const state = stateOf(e, signature, round, rest);

  const stepNames = [...signature.perStep.keys()];
  const operands = [...spec.graph.inputs].map(([name, value]) => {
    const stack = stacks[stepNames.indexOf(name)];
    if (stack === undefined) return state.get(name)!;
    return e.convert(sliceOf(e, stack, index), elementType(value.dtype));
  });
  const results = callStep(e, spec.graph, operands);
  const resultsOf = (names: readonly string[]) => names.map((name) => results.get(name)!);

  const kept = collectors.map((collector, i) =>
    updateAt(e, collector, stackBits(e, resultsOf(round.kept[i]!)), index),
  );
  const guard = spec.guard === undefined ? undefined : results.get(spec.guard)!;
  const updated = (next: Ref, old: Ref) =>
    guard === undefined ? next : e.select(guard, next, old);
  const next = [
    ...(row === undefined ? [] : [updated(endToEnd(e, resultsOf(round.small)), row)]),
    ...round.large.map((name, i) => {
      const old = large[i]!;
      return signature.carried.includes(name) ? updated(results.get(name)!, old) : old;
    }),
  ];
  const following = e.add(index, e.scalar(1, 'i32'));
  const back = [following.id, '%c1', ...[...kept, ...next, ...stacks].map((ref) => ref.id)];
  return [...e.lines, `stablehlo.return ${back.join(', ')} : ${types}`];
}

function callStep(e: Emitter, graph: Graph, operands: readonly Ref[]): Map<string, Ref> {
  const outputs = [...graph.outputs].map(([name, value]) => ({ name, ...plain(value) }));
  const resultTypes = outputs.map(({ shape, type }) => tensorType(shape, type)).join(', ');
  e.lines.push(
    `%r:${outputs.length} = func.call @step(${operands.map((ref) => ref.id).join(', ')}) : (${operands.map(typeOf).join(', ')}) -> (${resultTypes})`,
  );
  return new Map(outputs.map(({ name, shape, type }, i) => [name, { id: `%r#${i}`, shape, type }]));
}

/** stack[index]. */
function sliceOf(e: Emitter, stack: Ref, index: Ref): Ref {
  const shape = stack.shape.slice(1);
  const sizes = [1, ...shape];
  const starts = [index, ...shape.map(() => e.scalar(0, 'i32'))];
  const rest = `, sizes = [${sizes.join(', ')}]`;
  return e.reshape(e.op('dynamic_slice', [stack, ...starts], rest, sizes), shape);
}

/** The stack with stack[index] = value. */
function updateAt(e: Emitter, stack: Ref, value: Ref, index: Ref): Ref {
  const update = e.reshape(value, [1, ...value.shape]);
  const starts = [index, ...value.shape.map(() => e.scalar(0, 'i32'))];
  return e.op('dynamic_update_slice', [stack, update, ...starts], '', stack.shape);
}
