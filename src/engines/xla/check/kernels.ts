import { sizeOf } from '../../../shape.js';
import type { StepCost } from '../../kind.js';
import { called, type HloArray, type HloInstruction, type HloProgram } from './hlo.js';

/** Instructions that start nothing: they name, select or order what is there, or end what another began. */
const FREE =
  /^(parameter|constant|iota|tuple|get-tuple-element|bitcast|after-all|add-dependency|opt-barrier|partition-id|replica-id|[\w-]+-(done|update))$/;

/** Instructions by which several devices exchange something; the first half of one may contain it, or be called after it. */
const EXCHANGE =
  /^(all-reduce|all-gather|reduce-scatter|all-to-all|ragged-all-to-all|collective-broadcast|collective-permute|send)(-start)?$/;

/** Instructions that stand for those of other computations, and the attributes that name these. */
const INSIDE: Record<string, string[] | undefined> = {
  call: ['to_apply'],
  while: ['body'],
  conditional: ['branch_computations', 'true_computation', 'false_computation'],
};

/**
 * Counts what one step does: the body of the loops in the program's entry, or the entry where there is none. A branch
 * counts as if it were always taken, a loop within the step as if it went round once.
 *
 * @param isWeight whether an array of so many elements is a parameter or its gradient rather than an activation
 */
export function stepCost(program: HloProgram, isWeight: (elements: number) => boolean): StepCost {
  const loops = program.entry.filter(({ op }) => op === 'while');
  const bodies = loops.flatMap((loop) => called(loop, 'body', program));
  const cost = {
    kernels: 0,
    reductions: 0,
    bytesMoved: 0,
    activationTransposes: 0,
    exchanges: 0,
    bytesExchanged: 0,
  };
  for (const body of bodies.length > 0 ? bodies : [program.entry]) {
    const instructions = flattened(body, program);
    const made = new Map(instructions.map((one) => [one.name, one]));
    for (const instruction of instructions.filter(isStarted)) {
      const fused = called(instruction, 'calls', program).flat();
      const inside = new Map(fused.map((one) => [one.name, one]));
      const within = [instruction, ...fused];
      cost.kernels++;
      if (within.some(({ op }) => op === 'reduce')) cost.reductions++;
      cost.bytesMoved += bytesMoved(instruction, inside, made);
      if (within.some(({ op }) => EXCHANGE.test(op))) {
        cost.exchanges++;
        cost.bytesExchanged += operandBytes(instruction, made);
      }
      const transposed = within.filter((one) =>
        isTransposed(one, (name) => inside.get(name) ?? made.get(name)),
      );
      cost.activationTransposes += transposed.filter(
        ({ arrays }) => !isWeight(sizeOf(arrays[0]!.shape)),
      ).length;
    }
  }
  return cost;
}

/** With the instructions of what it calls, of its branches and of loops within it after each that has such. */
function flattened(body: readonly HloInstruction[], program: HloProgram): HloInstruction[] {
  return body.flatMap((one) => [
    one,
    ...(INSIDE[one.op] ?? [])
      .flatMap((attribute) => called(one, attribute, program))
      .flatMap((inside) => flattened(inside, program)),
  ]);
}

function isStarted({ op }: HloInstruction): boolean {
  return !FREE.test(op) && INSIDE[op] === undefined;
}

function bytesMoved(
  { arrays, operands }: HloInstruction,
  inside: ReadonlyMap<string, HloInstruction>,
  made: ReadonlyMap<string, HloInstruction>,
): number {
  const written = bytesOf(arrays);
  const fused = [...inside.values()];
  if (fused.length === 0) {
    return written + operandBytes({ operands }, made);
  }
  // Of an array that is updated in place only the update is written, and what was there read; of one that is sliced,
  // only the slice is read.
  const updates = fused.filter(({ op }) => op === 'dynamic-update-slice');
  const updated = new Set(updates.map((update) => update.operands[0]));
  const read = fused
    .filter(({ op, name }) => op === 'parameter' && !updated.has(name))
    .map((parameter) => {
      const users = fused.filter((one) => one.operands.includes(parameter.name));
      const sliced =
        users.length > 0 &&
        users.every(({ op, operands }) => op === 'dynamic-slice' && operands[0] === parameter.name);
      return sliced ? total(users.map((user) => bytesOf(user.arrays))) : bytesOf(parameter.arrays);
    });
  const replaced = updates.map((update) => bytesOf(inside.get(update.operands[1]!)?.arrays ?? []));
  return total(read) + (updates.length === 0 ? written : 2 * total(replaced));
}

function operandBytes(
  { operands }: Pick<HloInstruction, 'operands'>,
  made: ReadonlyMap<string, HloInstruction>,
): number {
  return total(operands.map((name) => bytesOf(made.get(name)?.arrays ?? [])));
}

/** Whether it lays an array out anew: a transpose, or a copy into another layout. */
function isTransposed(
  { op, arrays, operands, attributes }: HloInstruction,
  find: (name: string) => HloInstruction | undefined,
): boolean {
  const [array] = arrays;
  if (array === undefined) return false;
  if (op === 'transpose') {
    const permutation = /dimensions=\{([\d,]*)\}/.exec(attributes)?.[1]?.split(',').map(Number);
    return !isOrder(permutation, array);
  }
  const from = op === 'copy' ? find(operands[0] ?? '')?.arrays[0] : undefined;
  return from !== undefined && String(from.layout) !== String(array.layout);
}

/** Whether a permutation moves nothing but axes of size 1. */
function isOrder(permutation: readonly number[] | undefined, { shape }: HloArray): boolean {
  const moved = (permutation ?? []).filter((_, axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!);
}

function bytesOf(arrays: readonly HloArray[]): number {
  return total(arrays.map(({ type, shape }) => Math.ceil((sizeOf(shape) * bitsOf(type)) / 8)));
}

/** `pred` is a byte; others have their bits in their names; `token` and `opaque` are nothing that is stored. */
function bitsOf(type: string): number {
  return type === 'pred' ? 8 : Number(/\d+/.exec(type)?.[0] ?? 0);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
