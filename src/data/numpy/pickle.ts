import { grouped, quoted } from '../../text.js';
import type { Pickled } from './pickle-globals.js';
import { PickleMachine, type UnpickleOptions } from './pickle-machine.js';

/** Each example of a data set takes a few operations; more are made to fill memory. */
const MOST_OPERATIONS = 20_000_000;
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
  return unpickleFirst(bytes, where, options).value;
}

/** The first of several pickles one behind the other, and the bytes that it takes. @throws RethinkError (`data`) as `unpickle`. */
export function unpickleFirst(
  bytes: Buffer,
  where: string,
  options: UnpickleOptions = {},
): { value: Pickled; length: number } {
  const machine = new PickleMachine(bytes, where, options);
  for (let count = 0; count < MOST_OPERATIONS; count++) {
    const code = machine.byte();
    if (code === STOP) return { value: machine.pop(), length: machine.position };
    const operation = OPERATIONS[code];
    if (operation === undefined) {
      const at = grouped(machine.position - 1);
      throw machine.damaged(`byte ${at} is no operation of a pickle`);
    }
    operation(machine);
  }
  throw machine.refused(`has more than ${grouped(MOST_OPERATIONS)} operations`);
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
function digits(u: PickleMachine, text: string): Pickled {
  if (text === '01' || text === '00') return text === '01';
  const plain = text.replace(/L$/, '');
  if (!/^[+-]?\d{1,600}$/.test(plain)) throw u.damaged(`${quoted(text)} is no whole number`);
  return narrow(BigInt(plain));
}

function float(u: PickleMachine, text: string): number {
  const named: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN };
  const value = named[text] ?? Number(text);
  if (text === '' || (Number.isNaN(value) && text !== 'nan')) {
    throw u.damaged(`${quoted(text)} is no number`);
  }
  return value;
}

/** `'…'` as Python 2 writes a string in protocol 0. */
function quotedString(u: PickleMachine, line: string): Buffer {
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
const OPERATIONS: Record<number, (u: PickleMachine) => void> = {
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
  return (u: PickleMachine): never => {
    throw u.refused(what);
  };
}

function operations(byLetter: Record<string, (u: PickleMachine) => void>) {
  return Object.fromEntries(
    Object.entries(byLetter).map(([letter, run]) => [letter.charCodeAt(0), run]),
  );
}
