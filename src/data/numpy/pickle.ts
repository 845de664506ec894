import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { ArrayObject, GLOBALS, type Pickled, refused, TypeObject } from './pickle-globals.js';

export interface UnpickleOptions {
  /** What a persistent id stands for: the bytes of a tensor in a PyTorch file. Without it they are refused. */
  persistent?: (id: Pickled) => Pickled;
}

/** Data sets nest a dictionary, a list and an array; deeper things are made to break readers. */
const MOST_DEPTH = 100;
/** Each example of a data set takes a few; more are made to fill memory. */
const MOST_OPERATIONS = 50_000_000;
/** Whole numbers of Python have no end. */
const MOST_INTEGER_BYTES = 255;

/**
 * Reads a Python pickle, protocols 0 to 5, that holds data: numbers, text, bytes, lists, tuples, dictionaries, and arrays
 * of NumPy's. A pickle is a program that may call any function of Python; here a few are known that make such data
 * (`pickle-globals.ts`), and the name of any other ends the reading. Nothing of the file is ever run.
 *
 * Source: the operations as Python's `pickletools` documents them.
 *
 * @param where For messages.
 * @throws RethinkError (`data`) where it is damaged, or asks for more than data.
 */
export function unpickle(bytes: Buffer, where: string, options: UnpickleOptions = {}): Pickled {
  return new Unpickler(bytes, where, options).load();
}

/** Where a list, tuple or dictionary begins on the stack. */
const MARK = Symbol('mark');

class Unpickler {
  private at = 0;
  private readonly stack: (Pickled | typeof MARK)[] = [];
  private readonly memo = new Map<number, Pickled>();
  private readonly depths = new WeakMap<object, number>();

  constructor(
    private readonly bytes: Buffer,
    private readonly where: string,
    private readonly options: UnpickleOptions,
  ) {}

  load(): Pickled {
    for (let count = 0; count < MOST_OPERATIONS; count++) {
      const code = this.byte();
      if (code === STOP) return this.pop();
      const operation = OPERATIONS[code];
      if (operation === undefined) {
        throw this.damaged(`byte ${grouped(this.at - 1)} is no operation of a pickle`);
      }
      operation(this);
    }
    throw this.refused(`has more than ${grouped(MOST_OPERATIONS)} operations`);
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

/** A whole number in Python's two's complement, little-endian. */
function integer(raw: Buffer): number | bigint {
  if (raw.length === 0) return 0;
  const magnitude = BigInt(`0x${Buffer.from(raw).reverse().toString('hex')}`);
  return narrow(BigInt.asIntN(raw.length * 8, magnitude));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A whole number in digits; protocol 0 writes truth as `01` and `00`. */
function digits(u: Unpickler, text: string): Pickled {
  if (text === '01' || text === '00') return text === '01';
  const plain = text.replace(/L$/, '');
  if (!/^[+-]?\d{1,600}$/.test(plain)) throw u.damaged(`${quoted(text)} is no whole number`);
  return narrow(BigInt(plain));
}

function float(u: Unpickler, text: string): number {
  const named: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN };
  const value = named[text] ?? Number(text);
  if (text === '' || (Number.isNaN(value) && text !== 'nan')) {
    throw u.damaged(`${quoted(text)} is no number`);
  }
  return value;
}

/** `'…'` as Python 2 writes a string in protocol 0. */
function quotedString(u: Unpickler, line: string): Buffer {
  const inner = /^(['"])(.*)\1$/.exec(line)?.[2];
  if (inner === undefined) throw u.damaged('a string has no quotes');
  const text = inner.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, escaped: string) => {
    if (escaped.length === 3) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return { n: '\n', r: '\r', t: '\t' }[escaped] ?? escaped;
  });
  return Buffer.from(text, 'latin1');
}

/** Unicode of protocol 0: `\uXXXX` for what Latin-1 lacks. */
function rawUnicode(line: string): string {
  return line.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (all, short, long) => {
    const code = Number.parseInt(short ?? long, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

const STOP = '.'.charCodeAt(0);

/** The operations by their code, `pickletools`' names beside those that aren't plain. */
const OPERATIONS: Record<number, (u: Unpickler) => void> = {
  // PROTO and FRAME cut the file into parts; the bytes are the same without them.
  128: (u) => {
    const protocol = u.byte();
    if (protocol > 5) throw u.damaged(`its protocol is ${protocol}`);
  },
  149: (u) => u.take(8),
  ...operations({
    '(': (u) => u.mark(),
    0: (u) => u.discard(), // POP
    1: (u) => u.popToMark(), // POP_MARK
    2: (u) => u.push(u.top()), // DUP
    N: (u) => u.push(null),
    I: (u) => u.push(digits(u, u.line())),
    L: (u) => u.push(digits(u, u.line())),
    F: (u) => u.push(float(u, u.line())),
    J: (u) => u.push(u.take(4).readInt32LE()), // BININT
    K: (u) => u.push(u.byte()), // BININT1
    M: (u) => u.push(u.take(2).readUInt16LE()), // BININT2
    G: (u) => u.push(u.take(8).readDoubleBE()), // BINFLOAT
    S: (u) => u.push(quotedString(u, u.line())),
    T: (u) => u.push(u.take(u.length(4))), // BINSTRING
    U: (u) => u.push(u.take(u.byte())), // SHORT_BINSTRING
    B: (u) => u.push(u.take(u.length(4))), // BINBYTES
    C: (u) => u.push(u.take(u.byte())), // SHORT_BINBYTES
    V: (u) => u.push(rawUnicode(u.line())),
    X: (u) => u.push(u.take(u.length(4)).toString('utf8')), // BINUNICODE
    ')': (u) => u.pushContainer([]),
    t: (u) => u.pushContainer(u.popToMark()), // TUPLE
    ']': (u) => u.pushContainer([]),
    l: (u) => u.pushContainer(u.popToMark()), // LIST
    a: (u) => u.append([u.pop()]),
    e: (u) => u.append(u.popToMark()), // APPENDS
    '}': (u) => u.pushMap([]),
    d: (u) => u.pushMap(u.popToMark()), // DICT
    s: (u) => u.set(u.popTuple(2)), // SETITEM
    u: (u) => u.set(u.popToMark()), // SETITEMS
    p: (u) => u.remember(Number(u.line()), u.top()), // PUT
    q: (u) => u.remember(u.byte(), u.top()), // BINPUT
    r: (u) => u.remember(u.length(4), u.top()), // LONG_BINPUT
    g: (u) => u.recall(Number(u.line())), // GET
    h: (u) => u.recall(u.byte()), // BINGET
    j: (u) => u.recall(u.length(4)), // LONG_BINGET
    c: (u) => u.global(u.line(), u.line()), // GLOBAL
    R: (u) => u.call(), // REDUCE
    b: (u) => u.build(),
    i: (u) => {
      u.global(u.line(), u.line()); // INST
      throw u.refused('makes an object of a class');
    },
    o: refuses('makes an object of a class'), // OBJ
    P: (u) => u.persistent(u.line()), // PERSID
    Q: (u) => u.persistent(u.pop()), // BINPERSID
  }),
  129: (u) => u.call(), // NEWOBJ
  130: refuses('uses a registry of extensions'),
  131: refuses('uses a registry of extensions'),
  132: refuses('uses a registry of extensions'),
  133: (u) => u.pushContainer(u.popTuple(1)), // TUPLE1
  134: (u) => u.pushContainer(u.popTuple(2)),
  135: (u) => u.pushContainer(u.popTuple(3)),
  136: (u) => u.push(true), // NEWTRUE
  137: (u) => u.push(false),
  138: (u) => u.push(integer(u.take(u.byte()))), // LONG1
  139: (u) => {
    const length = u.length(4);
    if (length > MOST_INTEGER_BYTES) throw u.refused(`holds a number of ${grouped(length)} bytes`);
    u.push(integer(u.take(length)));
  },
  140: (u) => u.push(u.take(u.byte()).toString('utf8')), // SHORT_BINUNICODE
  141: (u) => u.push(u.take(u.length(8)).toString('utf8')), // BINUNICODE8
  142: (u) => u.push(u.take(u.length(8))), // BINBYTES8
  143: refuses('holds a set'),
  145: refuses('holds a set'),
  146: refuses('makes an object of a class'), // NEWOBJ_EX
  147: (u) => u.stackGlobal(),
  148: (u) => u.memoize(),
  150: (u) => u.push(u.take(u.length(8))), // BYTEARRAY8
  151: refuses('keeps its bytes outside of it'),
};

function refuses(what: string) {
  return (u: Unpickler): never => {
    throw u.refused(what);
  };
}

function operations(byLetter: Record<string, (u: Unpickler) => void>) {
  return Object.fromEntries(
    Object.entries(byLetter).map(([letter, run]) => [letter.charCodeAt(0), run]),
  );
}
