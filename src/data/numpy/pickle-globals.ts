import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { checkArray, type Dtype, elements, type NdArray, parseDtype, valuesOf } from './ndarray.js';

/** What a pickle can hold here: data alone. Bytes stand for Python 2's strings, too. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | ArrayObject
  | TypeObject
  | Callable;

/** A function of Python's that a pickle may call: one of ours that makes the same data. */
export type Callable = (args: Pickled[], where: string) => Pickled;

/** An array, which a pickle makes first and fills afterwards. */
export class ArrayObject implements NdArray {
  dtype: Dtype = { kind: 'u', bytes: 1, bigEndian: false };
  shape = [0];
  fortran = false;
  data: Uint8Array = new Uint8Array(0);
  /** Of an array of Python's objects its elements; it has no bytes. */
  objects: Pickled[] | undefined;

  /** @param state (version, shape, type, whether the first axis runs fastest, bytes). */
  build(state: Pickled, where: string): void {
    if (!Array.isArray(state) || state.length !== 5) throw notWhole(where);
    const [, shape, type, fortran, raw] = state;
    this.fill(type, shape, fortran === true || fortran === 1, raw, where);
  }

  fill(
    type: Pickled | undefined,
    shape: Pickled | undefined,
    fortran: boolean,
    raw: Pickled | undefined,
    where: string,
  ): this {
    if (!(type instanceof TypeObject)) throw notWhole(where);
    if (type.holdsObjects) {
      const counted = Array.isArray(raw) && raw.length === elements(numbersOf(shape, where));
      if (!counted) throw notWhole(where);
      Object.assign(this, { shape: numbersOf(shape, where), fortran, objects: raw });
      return this;
    }
    if (!(raw instanceof Uint8Array)) throw notWhole(where);
    Object.assign(this, { dtype: type.dtype, shape: numbersOf(shape, where), fortran, data: raw });
    checkArray(this, where);
    return this;
  }
}

/** NumPy's type of an array's elements. */
export class TypeObject {
  constructor(
    public dtype: Dtype,
    readonly holdsObjects = false,
  ) {}

  /** @param state (version, order of bytes, …); the rest is of structures, which can't be made. */
  build(state: Pickled): void {
    const order = Array.isArray(state) ? textOf(state[1]) : undefined;
    this.dtype = { ...this.dtype, bigEndian: order === '>' };
  }
}

/** The functions and classes of which arrays of NumPy (1 and 2) and of PyTorch are made, by `module name`. */
export const GLOBALS: Record<string, Callable> = {
  'numpy ndarray': named,
  'numpy dtype': ([descr], where) => {
    const text = textOf(descr);
    if (text === 'O8' || text === 'O') {
      return new TypeObject({ kind: 'u', bytes: 1, bigEndian: false }, true);
    }
    const dtype = text === undefined ? undefined : parseDtype(text);
    if (dtype === undefined) throw refused(where, `holds an array of ${quoted(String(text))}`);
    return new TypeObject(dtype);
  },
  'numpy.core.multiarray _reconstruct': () => new ArrayObject(),
  'numpy._core.multiarray _reconstruct': () => new ArrayObject(),
  'numpy.core.multiarray scalar': scalar,
  'numpy._core.multiarray scalar': scalar,
  'numpy.core.numeric _frombuffer': fromBuffer,
  'numpy._core.numeric _frombuffer': fromBuffer,
  // How Python 3 writes bytes for Python 2 to read.
  '_codecs encode': ([text, encoding], where) => {
    if (typeof text !== 'string' || encoding !== 'latin1') throw refused(where, 'encodes text');
    return Buffer.from(text, 'latin1');
  },
  '__builtin__ bytes': bytes,
  'builtins bytes': bytes,
  '__builtin__ bytearray': bytes,
  'builtins bytearray': bytes,
  'collections OrderedDict': ([pairs], where) => {
    if (pairs !== undefined && !(Array.isArray(pairs) && pairs.length === 0)) {
      throw refused(where, 'makes a dictionary of pairs');
    }
    return new Map();
  },
  'torch._utils _rebuild_tensor_v2': tensor,
  'torch LongStorage': (...all) => named(...all),
  'torch IntStorage': (...all) => named(...all),
  'torch ShortStorage': (...all) => named(...all),
  'torch CharStorage': (...all) => named(...all),
  'torch ByteStorage': (...all) => named(...all),
  'torch BoolStorage': (...all) => named(...all),
  'torch FloatStorage': (...all) => named(...all),
  'torch DoubleStorage': (...all) => named(...all),
};

/** What PyTorch's storages hold, as NumPy says it. */
export const STORAGES = new Map<Pickled, Dtype>(
  Object.entries({
    Long: '<i8',
    Int: '<i4',
    Short: '<i2',
    Char: '|i1',
    Byte: '|u1',
    Bool: '|b1',
    Float: '<f4',
    Double: '<f8',
  }).map(([name, descr]) => [GLOBALS[`torch ${name}Storage`]!, parseDtype(descr)!]),
);

/** A class that is only ever named, as the type of what is made. */
function named(_: Pickled[], where: string): never {
  throw refused(where, 'makes an object of a class');
}

function scalar([type, raw]: Pickled[], where: string): Pickled {
  return valuesOf(new ArrayObject().fill(type, [], false, raw, where), where)[0]!;
}

function fromBuffer([raw, type, shape, order]: Pickled[], where: string): Pickled {
  return new ArrayObject().fill(type, shape, order === 'F', raw, where);
}

function bytes([content]: Pickled[], where: string): Pickled {
  if (content === undefined) return Buffer.alloc(0);
  if (content instanceof Uint8Array) return content;
  throw refused(where, 'makes bytes of what holds none');
}

/** (storage, first element, shape, strides, …): only tensors whose elements lie in row-major order. */
function tensor([storage, first, size, stride]: Pickled[], where: string): Pickled {
  if (!(storage instanceof ArrayObject) || typeof first !== 'number') throw notWhole(where);
  const shape = numbersOf(size, where);
  const strides = numbersOf(stride, where);
  const plain = shape.every((n, i) => n === 1 || strides[i] === elements(shape.slice(i + 1)));
  if (!plain) throw refused(where, 'holds a tensor that is a view');
  const { bytes } = storage.dtype;
  const data = storage.data.subarray(first * bytes, (first + elements(shape)) * bytes);
  return new ArrayObject().fill(new TypeObject(storage.dtype), shape, false, data, where);
}

function numbersOf(values: Pickled | undefined, where: string): number[] {
  if (!Array.isArray(values)) throw notWhole(where);
  return values.map((n) => {
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) throw notWhole(where);
    return n;
  });
}

function textOf(value: Pickled | undefined): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return typeof value === 'string' ? value : undefined;
}

function notWhole(where: string): RethinkError {
  return new RethinkError('data', `${where} is damaged: an array in it isn't whole.`, {
    hint: 'Get the file again.',
  });
}

/** The error of a pickle that is more than data. */
export function refused(where: string, what: string): RethinkError {
  return new RethinkError('data', `${where} is refused: its pickle ${what}.`, {
    hint: 'Only data is read of a pickle: dictionaries, lists, text, numbers and arrays.',
  });
}
