import fc from 'fast-check';

/** One change of some bytes; places are fractions of the length, or bytes from the start. */
type Edit = (bytes: Buffer) => Buffer;

/** Numbers at which sizes, counts and offsets go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

const place = fc.oneof(
  // Headers are where the decisions are made.
  fc.nat(700).map((at) => (length: number) => Math.min(at, length)),
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((part) => (length: number) => Math.floor(part * length)),
);
const some = fc.uint8Array({ minLength: 1, maxLength: 32 });

const edit: fc.Arbitrary<Edit> = fc.oneof<fc.Arbitrary<Edit>[]>(
  fc.tuple(place, fc.nat(7)).map(([at, bit]) => (bytes) => {
    const copy = Buffer.from(bytes);
    const i = at(copy.length - 1);
    if (i >= 0) copy[i]! ^= 1 << bit;
    return copy;
  }),
  fc.tuple(place, fc.constantFrom(...EDGES), fc.boolean()).map(([at, value, little]) => (bytes) => {
    const number = Buffer.alloc(4);
    if (little) number.writeUInt32LE(value);
    else number.writeUInt32BE(value);
    return splice(bytes, at, 4, number);
  }),
  // Sizes in a tar are octal text.
  fc.tuple(place, fc.constantFrom('00000000000', '77777777777', '-1', '8', ' ')).map(
    ([at, text]) =>
      (bytes) =>
        splice(bytes, at, text.length, Buffer.from(text)),
  ),
  fc.tuple(place, some).map(
    ([at, put]) =>
      (bytes) =>
        splice(bytes, at, put.length, put),
  ),
  fc.tuple(place, some).map(
    ([at, put]) =>
      (bytes) =>
        splice(bytes, at, 0, put),
  ),
  fc.tuple(place, fc.nat(600)).map(
    ([at, gone]) =>
      (bytes) =>
        splice(bytes, at, gone, some0),
  ),
  fc.tuple(place, fc.nat(1200)).map(([at, size]) => (bytes) => {
    const from = at(bytes.length);
    return splice(bytes, at, 0, bytes.subarray(from, from + size));
  }),
  place.map((at) => (bytes) => bytes.subarray(0, at(bytes.length))),
);
const some0 = new Uint8Array();

function splice(
  bytes: Buffer,
  at: (length: number) => number,
  gone: number,
  put: Uint8Array,
): Buffer {
  const from = at(bytes.length);
  return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + gone)]);
}

/** Good bytes with one to five things changed. */
export function mutated(good: Buffer): fc.Arbitrary<Buffer> {
  return fc
    .array(edit, { minLength: 1, maxLength: 5 })
    .map((edits) => edits.reduce((bytes, change) => change(bytes), good));
}

/** Good text with pieces put in, taken out and repeated. */
export function mutatedText(good: string, pieces: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(fc.nat(good.length), fc.nat(12), pieces, fc.nat(20));
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) =>
    changes.reduce((text, [at, gone, put, repeated]) => {
      const again = text.slice(at, at + repeated);
      return text.slice(0, at) + put + again + text.slice(at + gone);
    }, good),
  );
}
