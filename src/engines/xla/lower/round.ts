import { sizeOf } from '../../../shape.js';
import type { Emitter } from './emitter.js';
import { cutApart, unstackBits } from './pack.js';
import type { LoopSignature } from './signature.js';
import type { Target } from './target.js';
import type { Ref } from './text.js';

/**
 * How values go round in the loop. To write an array in place takes a GPU's kernel as long as to write a thousand
 * numbers, so what is small goes together: the outputs that are kept by shape, and the state's small arrays as one.
 */
export interface Round {
  /** Names of the collected outputs that are kept in one array [capacity, outputs, ...shape] of their bits. */
  kept: readonly (readonly string[])[];
  /** Names of the state's arrays that lie end to end in one row; there is a row if there are any. */
  small: readonly string[];
  /** Names of its others. */
  large: readonly string[];
}

/** Elements from which on an array is large. Filters always are: convolutions want them in another order. */
const LARGE = 8192;

export function roundOf({ collected, state, carried }: LoopSignature, target: Target): Round {
  const byShape = new Map<string, string[]>();
  for (const [name, { shape }] of collected) {
    byShape.set(String(shape), [...(byShape.get(String(shape)) ?? []), name]);
  }
  const isSmall = ({ shape }: { shape: readonly number[] }) =>
    shape.length <= 2 && sizeOf(shape) < LARGE;
  const together = target.smallState === 'together' ? carried : [];
  const small = together.filter((name) => isSmall(state.get(name)!));
  const large = [...state.keys()].filter((name) => !small.includes(name));
  return { kept: [...byShape.values()], small, large };
}

/** What of the values that go round, without the counter and the number of steps, is what. */
export function parted({ kept, small, large }: Round, values: readonly Ref[]) {
  const state = kept.length + Math.min(1, small.length);
  return {
    collectors: values.slice(0, kept.length),
    row: values.slice(kept.length, state).at(0),
    large: values.slice(state, state + large.length),
    stacks: values.slice(state + large.length),
  };
}

/** State by name, out of the values that go round. */
export function stateOf(
  e: Emitter,
  signature: LoopSignature,
  round: Round,
  values: readonly Ref[],
): Map<string, Ref> {
  const { row, large } = parted(round, values);
  const shapes = round.small.map((name) => signature.state.get(name)!.shape);
  const small = row === undefined ? [] : cutApart(e, row, shapes);
  return new Map([
    ...round.small.map((name, i): [string, Ref] => [name, small[i]!]),
    ...round.large.map((name, i): [string, Ref] => [name, large[i]!]),
  ]);
}

/** What was collected, by name, out of what the loop leaves. */
export function collectedOf(
  e: Emitter,
  signature: LoopSignature,
  round: Round,
  values: readonly Ref[],
): Map<string, Ref> {
  const { collectors } = parted(round, values);
  const collected = round.kept.flatMap((names, i) => {
    const types = names.map((name) => signature.collected.get(name)!.type);
    const arrays = unstackBits(e, collectors[i]!, types);
    return names.map((name, k): [string, Ref] => [name, arrays[k]!]);
  });
  return new Map(collected);
}
