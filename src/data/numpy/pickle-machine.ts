import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { ArrayObject, GLOBALS, type Pickled, refused, TypeObject } from './pickle-globals.js';

export interface UnpickleOptions {
  /** What a persistent id stands for: the bytes of a tensor in a PyTorch file. Without it they are refused. */
  persistent?: (id: Pickled) => Pickled;
}

/** Data sets nest a dictionary, a list and an array; deeper things are made to break readers. */
const MOST_DEPTH = 100;
/** A list for each example would be many; more are made to fill memory. */
const MOST_CONTAINERS = 2_000_000;

/** Bytes that calls may be given beyond those of the file: names of types, given again and again. */
const SPARE_BYTES = 2 ** 20;

/** Where a list, tuple or dictionary begins on the stack. */
const MARK = Symbol('mark');

/** What the operations of a pickle work on: the bytes that are left, a stack and a memo. */
export class PickleMachine {
  private at = 0;
  private readonly stack: (Pickled | typeof MARK)[] = [];
  private readonly memo = new Map<number, Pickled>();
  /** How deep each list, tuple and dictionary is, by itself. */
  private readonly depths = new Map<object, number>();
  /** Bytes and characters that were given to calls. */
  private given = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly where: string,
    private readonly options: UnpickleOptions,
  ) {}

  /** How many bytes were read. */
  get position(): number {
    return this.at;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** The next `n` bytes: a part of the file, however many it claims. */
  take(n: number): Buffer {
    const left = this.bytes.length - this.at;
    if (n > left) {
      throw this.damaged(`it ends where ${grouped(n)} more bytes are announced`);
    }
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  /** A length of 4 or 8 bytes. */
  length(bytes: 4 | 8): number {
    const raw = this.take(bytes);
    return bytes === 4 ? raw.readUInt32LE() : Number(raw.readBigUInt64LE());
  }

  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.damaged('a line has no end');
    const line = this.bytes.toString('latin1', this.at, end);
    this.at = end + 1;
    return line.replace(/\r$/, '');
  }

  push(value: Pickled): void {
    this.stack.push(value);
  }

  pop(): Pickled {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) throw this.damaged('its stack is empty');
    return value;
  }

  top(): Pickled {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.stack.push(MARK);
  }

  /** All that was pushed since the last mark. */
  popToMark(): Pickled[] {
    const from = this.stack.lastIndexOf(MARK);
    if (from < 0) throw this.damaged('a mark is missing');
    return this.stack.splice(from).slice(1) as Pickled[];
  }

  popTuple(n: number): Pickled[] {
    return Array.from({ length: n }, () => this.pop()).reverse();
  }

  discard(): void {
    if (this.stack.pop() === undefined) throw this.damaged('its stack is empty');
  }

  remember(key: number, value: Pickled): void {
    this.memo.set(key, value);
  }

  memoize(): void {
    this.memo.set(this.memo.size, this.top());
  }

  recall(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw this.damaged(`memo ${key} is empty`);
    this.stack.push(value);
  }

  /** Notes how deep a container becomes with these in it. */
  holds(container: object, values: readonly Pickled[]): void {
    let depth = this.depths.get(container) ?? 1;
    for (const value of values) {
      if (typeof value !== 'object' || value === null) continue;
      depth = Math.max(depth, 1 + (this.depths.get(value) ?? 0));
    }
    if (depth > MOST_DEPTH) throw this.refused(`nests more than ${MOST_DEPTH} deep`);
    this.depths.set(container, depth);
    if (this.depths.size > MOST_CONTAINERS) {
      throw this.refused(`holds more than ${grouped(MOST_CONTAINERS)} lists`);
    }
  }

  pushContainer(values: Pickled[]): void {
    this.holds(values, values);
    this.push(values);
  }

  append(values: Pickled[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.damaged('something is appended to what is no list');
    for (const value of values) list.push(value);
    this.holds(list, values);
  }

  set(entries: Pickled[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw this.damaged('a key is set in what is no dictionary');
    if (entries.length % 2 !== 0) throw this.damaged('a dictionary has a key without a value');
    this.setAll(map, entries);
  }

  pushMap(entries: Pickled[]): void {
    if (entries.length % 2 !== 0) throw this.damaged('a dictionary has a key without a value');
    const map = new Map<Pickled, Pickled>();
    this.setAll(map, entries);
    this.push(map);
  }

  private setAll(map: Map<Pickled, Pickled>, entries: Pickled[]): void {
    for (let i = 0; i < entries.length; i += 2) map.set(keyOf(entries[i]!), entries[i + 1]!);
    this.holds(map, entries);
  }

  global(module: string, name: string): void {
    const known = `${module} ${name}`;
    if (!Object.hasOwn(GLOBALS, known)) {
      throw this.refused(`asks for ${quoted(`${module}.${name}`)}, which is more than data`);
    }
    this.push(GLOBALS[known]!);
  }

  stackGlobal(): void {
    const [module, name] = this.popTuple(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.damaged('a global has no name');
    }
    this.global(module, name);
  }

  /** Calls one of the functions that are known. */
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (typeof callee !== 'function' || !Array.isArray(args)) {
      throw this.damaged('it calls what is no function');
    }
    // What a memo holds once can be worked on a million times.
    for (const arg of args) {
      if (typeof arg === 'string' || arg instanceof Uint8Array) this.given += arg.length;
    }
    if (this.given > this.bytes.length + SPARE_BYTES) {
      throw this.refused('works on more bytes than it holds');
    }
    this.push(callee(args, this.where));
  }

  /** Gives an array or a type the state that makes it whole. */
  build(): void {
    const state = this.pop();
    const object = this.top();
    if (!(object instanceof ArrayObject) && !(object instanceof TypeObject)) {
      throw this.refused('sets attributes, which is more than data');
    }
    object.build(state, this.where);
  }

  persistent(id: Pickled): void {
    if (this.options.persistent === undefined) {
      throw this.refused('refers to things outside of it');
    }
    this.push(this.options.persistent(id));
  }

  damaged(why: string): RethinkError {
    return new RethinkError('data', `${this.where} is damaged: ${why}.`, {
      hint: 'Get the file again.',
    });
  }

  refused(what: string): RethinkError {
    return refused(this.where, what);
  }
}

/** Python 2 wrote its strings as bytes: a key is text either way. */
function keyOf(key: Pickled): Pickled {
  return key instanceof Uint8Array ? Buffer.from(key).toString('latin1') : key;
}
