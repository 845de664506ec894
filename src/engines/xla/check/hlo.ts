/** An instruction of XLA's optimized program, as its text has it. */
export interface HloInstruction {
  name: string;
  /** `fusion`, `custom-call`, `while` … */
  op: string;
  arrays: HloArray[];
  /** Names of the instructions that it reads. */
  operands: string[];
  /** What follows the operands: `kind=kInput, calls=%fused_computation.3, …` */
  attributes: string;
}

/** An array that an instruction makes; one that makes several has a tuple of them. */
export interface HloArray {
  /** `f32`, `bf16`, `pred` … */
  type: string;
  shape: number[];
  /** Its axes from the one that lies closest together in memory; `undefined` where that isn't said. */
  layout?: number[] | undefined;
}

/** Computations by name: instructions in order. */
export interface HloProgram {
  entry: readonly HloInstruction[];
  computations: ReadonlyMap<string, readonly HloInstruction[]>;
}

/**
 * Reads the text of an HLO module, as XLA dumps it.
 *
 * @throws Error where there is no entry computation, or a line isn't what it should be: a newer XLA may write otherwise.
 */
export function parseHlo(text: string): HloProgram {
  const computations = new Map<string, HloInstruction[]>();
  let current: HloInstruction[] | undefined;
  let entry: HloInstruction[] | undefined;
  for (const line of text.split('\n')) {
    const head = /^(ENTRY )?%?([\w.-]+) .*\{\s*$/.exec(line);
    if (head !== null && !line.startsWith('HloModule')) {
      current = [];
      computations.set(head[2]!, current);
      if (head[1] !== undefined) entry = current;
    } else if (line.startsWith('}')) {
      current = undefined;
    } else if (current !== undefined && line.trim() !== '') {
      current.push(parseInstruction(line));
    }
  }
  if (entry === undefined) throw new Error('the HLO text has no entry computation');
  return { entry, computations };
}

function parseInstruction(line: string): HloInstruction {
  // Of a tuple's elements every fifth is numbered in a comment.
  const text = line.replace(/\/\*.*?\*\//g, '');
  const [, name, rest] = /^\s*(?:ROOT )?%?([\w.-]+) = (.*)$/.exec(text) ?? [];
  if (name === undefined || rest === undefined) throw new Error(`no instruction of HLO: ${line}`);
  const typeEnd = rest.startsWith('(') ? closing(rest, 0) + 1 : rest.indexOf(' ');
  const call = /^ ([\w-]+)\(/.exec(rest.slice(typeEnd));
  if (call === null) throw new Error(`no instruction of HLO: ${line}`);
  const open = typeEnd + call[0].length - 1;
  const close = closing(rest, open);
  return {
    name,
    op: call[1]!,
    arrays: arraysOf(rest.slice(0, typeEnd)),
    operands: [...rest.slice(open, close).matchAll(/%([\w.-]+)/g)].map(([, operand]) => operand!),
    attributes: rest.slice(close + 1),
  };
}

/** Where the parenthesis at `open` is closed; quoted text may hold others. */
function closing(text: string, open: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = open; i < text.length; i++) {
    const char = text[i];
    if (char === '"' && text[i - 1] !== '\\') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return i;
  }
  throw new Error(`a parenthesis is not closed in: ${text}`);
}

function arraysOf(type: string): HloArray[] {
  return [...type.matchAll(/(\w+)\[([\d,]*)\](?:\{([\d,]*)[^}]*\})?/g)].map(
    ([, element, shape, layout]) => ({
      type: element!,
      shape: numbers(shape!),
      layout: layout === undefined ? undefined : numbers(layout),
    }),
  );
}

const numbers = (list: string) => (list === '' ? [] : list.split(',').map(Number));

/** The computations that an attribute of an instruction names: `calls`, `to_apply`, `body` … */
export function called(
  { attributes }: HloInstruction,
  attribute: string,
  { computations }: HloProgram,
): (readonly HloInstruction[])[] {
  const value = new RegExp(`(?:^|[ ,{])${attribute}=(\\{[^}]*\\}|%?[\\w.-]+)`).exec(
    attributes,
  )?.[1];
  const names = [...(value ?? '').matchAll(/%?([\w.-]+)/g)].map(([, name]) => name!);
  return names.map((name) => computations.get(name)).filter((found) => found !== undefined);
}
