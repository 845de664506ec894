import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../../src/data/numpy/ndarray.js';
import { unpickle } from '../../../src/data/numpy/pickle.js';
import { ArrayObject, type Pickled } from '../../../src/data/numpy/pickle-globals.js';

/** One dictionary, as Python 3 with two versions of NumPy writes it, base64. */
const REAL = JSON.parse(readFileSync(new URL('pickles.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;

/** A pickle in the operations of protocol 0 and 1, which are text. */
const read = (text: string) => unpickle(Buffer.from(text, 'latin1'), 'x.pkl');

/** Maps and arrays as plain values. */
function plain(value: Pickled): unknown {
  if (value instanceof ArrayObject) return { shape: value.shape, values: valuesOf(value, 'x') };
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]));
  return value;
}

describe('unpickle', () => {
  it.each(Object.keys(REAL))('reads what Python wrote with %s', (name) => {
    expect(plain(unpickle(Buffer.from(REAL[name]!, 'base64'), name))).toEqual({
      data: { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] },
      labels: [1, 2],
      fine: { shape: [2], values: [3, 4] },
      columns: { shape: [2, 3], values: [0, 1, 2, 3, 4, 5] },
      large: 2 ** 40,
      negative: -7,
      huge: 2n ** 70n,
      float: 1.5,
      none: null,
      truth: [true, false],
      text: 'é\n',
      bytes: [0, 255],
      scalar: 5,
      names: { shape: [2], values: ['cat', 'é'] },
      ordered: { a: 1 },
    });
  });

  it('reads what Python 2 wrote: its strings are bytes, as keys they are text', () => {
    expect(plain(read("(dS'data'\nS'\\x00a'\ns."))).toEqual({ data: [0, 97] });
    expect(plain(read('}U\x04dataU\x02\x00as.'))).toEqual({ data: [0, 97] });
  });

  it.each([
    ['os.system', "cos\nsystem\n(S'touch pwned'\ntR.", '"os.system"'],
    ['posix.system by protocol 4', '\x80\x04\x8c\x05posix\x8c\x06system\x93.', '"posix.system"'],
    ['builtins.eval', "c__builtin__\neval\n(S'1'\ntR.", '"__builtin__.eval"'],
    ['a global named like a property of objects', 'c__proto__\nconstructor\n.', '__proto__'],
    ['exec by REDUCE', "cbuiltins\nexec\n(S'1'\ntR.", '"builtins.exec"'],
    ['exec by INST', "(S'1'\ni__builtin__\nexec\n.", '"__builtin__.exec"'],
    ['exec by OBJ', "(cbuiltins\nexec\nS'1'\no.", '"builtins.exec"'],
    ['a class of theirs by NEWOBJ_EX', 'cfoo\nBar\n)}\x92.', '"foo.Bar"'],
    ['NEWOBJ_EX of a class that is known', 'cnumpy\nndarray\n)}\x92.', 'an object of a class'],
    ['OBJ of a class that is known', '(cnumpy\nndarray\no.', 'an object of a class'],
    ['attributes of a class', 'cnumpy\nndarray\n}b.', 'sets attributes'],
    ['a persistent id from the stack', "S'x'\nQ.", 'outside of it'],
    ['extensions by two bytes', '\x83\x01\x00.', 'registry of extensions'],
    ['extensions by four bytes', '\x84\x01\x00\x00\x00.', 'registry of extensions'],
    ['an instance of a class', '(icollections\nOrderedDict\n.', 'an object of a class'],
    ['NEWOBJ of a class that is known', 'cnumpy\nndarray\n)\x81.', 'an object of a class'],
    ['attributes', '}}b.', 'sets attributes'],
    ['a persistent id', 'Pabc\n.', 'outside of it'],
    ['bytes elsewhere', '\x97.', 'outside of it'],
    ['extensions', '\x82\x01.', 'registry of extensions'],
    ['a number without end', '\x8b\xff\xff\x00\x00', 'a number of 65,535 bytes'],
    [
      'a dictionary of pairs',
      'ccollections\nOrderedDict\n((((I1\nI2\nltltR.',
      'dictionary of pairs',
    ],
  ])('refuses %s by name', (_, text, why) => {
    expect(() => read(text)).toThrow(/x\.pkl is (refused|damaged)/);
    expect(() => read(text)).toThrow(why);
  });

  it.each([
    ['lists in lists', `${']'.repeat(10_000)}${'a'.repeat(9_999)}.`],
    ['tuples in tuples', `N${'\x85'.repeat(10_000)}.`],
    [
      'a list that is filled from within, through the memo',
      `]q\x00${']q\x01h\x00ah\x01q\x00'.repeat(200)}.`,
    ],
    ['dictionaries', `${'}I1\n'.repeat(200)}N${'s'.repeat(200)}.`],
  ])('refuses %s, thousands deep', (_, text) => {
    expect(() => read(text)).toThrow(/nests more than 100 deep/);
  });

  it.each([
    [
      'a petabyte of bytes',
      '\x8e\x00\x00\x00\x00\x00\x80\x03\x00',
      '985,162,418,487,296 more bytes',
    ],
    ['text beyond its end', 'X\xff\xff\xff\x7f', 'it ends where'],
    ['an empty stack', 'a.', 'its stack is empty'],
    ['a missing mark', 'N0t.', 'a mark is missing'],
    ['a mark in the way', '(.', 'its stack is empty'],
    ['an empty memo', 'h\x07.', 'memo 7 is empty'],
    ['a line without end', 'cos', 'a line has no end'],
    ['no end', 'N', 'it ends where 1 more bytes'],
    ['an operation of no protocol', '\xff.', 'no operation'],
    ['a later protocol', '\x80\x06.', 'its protocol is 6'],
    ['digits that are none', 'Iabc\n.', 'no whole number'],
    ['a call of what is no function', 'N)R.', 'calls what is no function'],
    ['an append to what is no list', 'NNa.', 'no list'],
    ['a key without a value', '}(Nu.', 'without a value'],
  ])('refuses %s as damaged', (_, text, why) => {
    expect(() => read(text)).toThrow('x.pkl is damaged');
    expect(() => read(text)).toThrow(why);
  });

  it.each([
    ['lists', ']0'.repeat(2_000_001), 'holds more than 2,000,000 lists'],
    ['operations', 'N0'.repeat(10_000_001), 'has more than 20,000,000 operations'],
  ])('refuses millions of %s, made to fill memory', (_, text, why) => {
    expect(() => read(`${text}N.`)).toThrow(why);
  });

  it('refuses to work on what its memo holds again and again', () => {
    const text = `X\x00\x00\x40\x00${'a'.repeat(2 ** 22)}q\x00`;
    const encode = 'h\x01h\x00X\x06\x00\x00\x00latin1\x86R';
    const bomb = (times: number) => `c_codecs\nencode\nq\x010${text}0](${encode.repeat(times)}e.`;
    expect(plain(read(bomb(1)))).toHaveLength(1);
    expect(() => read(bomb(3))).toThrow('works on more bytes than it holds');
  });

  it('reads long text of NumPy', () => {
    const scalar = (descr: string, raw: string) =>
      `cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'${descr}'\ntRB\x00\x00\x10\x00${raw}tR.`;
    expect(read(scalar('S1048576', 'a'.repeat(2 ** 20)))).toBe('a'.repeat(2 ** 20));
    expect(read(scalar('U262144', 'a\0\0\0'.repeat(2 ** 18)))).toBe('a'.repeat(2 ** 18));
    expect(read(scalar('S1048576', `b${'\0'.repeat(2 ** 20 - 1)}`))).toBe('b');
  });

  it('refuses arrays that claim more than they hold', () => {
    const array = (shape: string, descr = 'u1') =>
      `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n${shape}cnumpy\ndtype\n(S'${descr}'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'abcd'\ntb.`;
    expect(plain(read(array('(I2\nI2\nt')))).toEqual({ shape: [2, 2], values: [97, 98, 99, 100] });
    expect(() => read(array('(L1125899906842624L\nt'))).toThrow('shape (1125899906842624)');
    expect(() => read(array('(I-1\nI-4\nt'))).toThrow("isn't whole");
    expect(() => read(array('(I2\nI2\nt', 'O8'))).toThrow("isn't whole");
    expect(() => read(array('(I2\nI2\nt', 'c8'))).toThrow('holds an array of "c8"');
  });

  it('survives every cut and every single changed byte of a real pickle', () => {
    const whole = Buffer.from(REAL['numpy 2.4.6, protocol 2'] ?? Object.values(REAL)[8]!, 'base64');
    for (let i = 0; i < whole.length; i++) {
      expect(() => unpickle(whole.subarray(0, i), 'x')).toThrow(/damaged|refused/);
      const changed = Buffer.from(whole);
      changed[i] = changed[i]! ^ 0xff;
      try {
        unpickle(changed, 'x');
      } catch (error) {
        expect(String(error)).toMatch(/RethinkError: .*(damaged|refused|too large)/);
      }
    }
  });
});
