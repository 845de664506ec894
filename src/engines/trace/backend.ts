import * as tf from '@tensorflow/tfjs-core';
import { RethinkError } from '../../errors.js';
import { sizeOf } from '../../shape.js';
import type { GraphBuilder } from './builder.js';
import type { ConstantData, DType, Value } from './graph.js';

/** Name under which the tracer registers itself with tfjs. */
export const TRACE_BACKEND = 'trace';

/** Constants of more elements are data, and data must come in as an input. */
const MAX_CONSTANT_ELEMENTS = 1 << 16;

/** tfjs ops that draw random numbers by themselves, as its scopes name them. */
const RANDOM_SCOPE = /^(rand\w*|truncatedNormal|multinomial|dropout)__op$/;

const HINT = 'A step must be a pure function of its inputs: state, images, labels, masks, rate.';

function refuse(message: string): RethinkError {
  return new RethinkError('failed', message, { hint: HINT });
}

/** The tfjs op that is running, as a user would write it: `tf.randomNormal`. */
function currentOp(): string | undefined {
  const { activeScope } = tf.engine().state;
  const name = activeScope?.name ?? '';
  return name.endsWith('__op') ? `tf.${name.slice(0, -'__op'.length)}` : undefined;
}

/**
 * A tfjs backend whose tensors are values of a graph. Kernels add nodes to the builder instead of computing; reading a
 * value, capturing a variable and drawing random numbers are refused by name.
 */
export class TraceBackend extends tf.KernelBackend {
  private readonly values = new Map<object, { value: Value; references: number }>();
  private current: GraphBuilder | undefined;

  get builder(): GraphBuilder {
    if (this.current === undefined) throw refuse('A tensor of a traced step was used after it.');
    return this.current;
  }

  /** Starts recording into `builder`; `undefined` stops and forgets all tensors. */
  attach(builder: GraphBuilder | undefined): void {
    this.current = builder;
    if (builder === undefined) this.values.clear();
  }

  /** A handle by which tfjs knows `value`. */
  hold(value: Value): object {
    const id = {};
    this.values.set(id, { value, references: 1 });
    return id;
  }

  /** A tensor of tfjs for `value`, which tfjs sees as `dtype`. */
  tensor(value: Value, dtype: tf.DataType = visibleType(value.dtype)): tf.Tensor {
    const info = { dataId: this.hold(value), shape: [...value.shape], dtype };
    return tf.engine().makeTensorFromTensorInfo(info, this);
  }

  /** The value behind a tensor, in the dtype that tfjs sees; a small eager tensor becomes a constant. */
  resolve(tensor: tf.TensorInfo): Value {
    if (tensor instanceof tf.Variable) {
      const op = currentOp() ?? 'An operation';
      throw refuse(`${op} reads the variable '${tensor.name}', whose value would be frozen.`);
    }
    const known = this.values.get(tensor.dataId)?.value ?? this.capture(tensor);
    return this.builder.cast(known, graphType(tensor.dtype));
  }

  private capture(tensor: tf.TensorInfo): Value {
    this.checkConstant(tensor.shape);
    // Never through the engine's move: that would dispose the tensor where it lives.
    const data = tf.engine().readSync(tensor.dataId);
    return this.constant(data, tensor.shape, tensor.dtype);
  }

  private checkConstant(shape: readonly number[]): void {
    const elements = sizeOf(shape);
    if (elements <= MAX_CONSTANT_ELEMENTS) return;
    const op = currentOp() ?? 'The step';
    throw refuse(`${op} captures a tensor of ${elements} elements [${shape}] as a constant.`);
  }

  private constant(values: tf.BackendValues, shape: number[], dtype: tf.DataType): Value {
    const type = { shape, dtype: graphType(dtype) };
    return this.builder.constant(constantData(values, type.dtype), type);
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const random = tf.engine().state.scopeStack.find(({ name }) => RANDOM_SCOPE.test(name));
    if (random !== undefined) {
      const op = random.name.slice(0, -'__op'.length);
      throw refuse(`tf.${op} draws random numbers inside a step, which would be drawn only once.`);
    }
    const head = values[0];
    if (sizeOf(shape) > MAX_CONSTANT_ELEMENTS && !values.every((x) => x === head)) {
      this.checkConstant(shape);
    }
    return this.hold(this.constant(values, shape, dtype));
  }

  override readSync(): never {
    const op = currentOp() ?? 'dataSync';
    throw refuse(`${op} asks for the value of a tensor inside a traced step.`);
  }

  override async read(): Promise<never> {
    return this.readSync();
  }

  override move(): never {
    throw refuse('tfjs moved a tensor of another backend into a traced step.');
  }

  override refCount(id: object): number {
    return this.values.get(id)?.references ?? 0;
  }

  override incRef(id: object): void {
    const held = this.values.get(id);
    if (held !== undefined) held.references++;
  }

  override numDataIds(): number {
    return this.values.size;
  }

  override disposeData(id: object, force = false): boolean {
    const held = this.values.get(id);
    if (held === undefined) return true;
    held.references--;
    if (!force && held.references > 0) return false;
    this.values.delete(id);
    return true;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    this.values.clear();
  }
}

/** dtype in the graph of what tfjs calls `dtype`. */
export function graphType(dtype: tf.DataType): DType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw refuse(`A traced step has no tensors of type ${dtype}.`);
}

/** dtype that tfjs sees: it knows neither bytes nor bfloat16. */
function visibleType(dtype: DType): tf.DataType {
  if (dtype === 'uint8') return 'int32';
  return dtype === 'bfloat16' ? 'float32' : dtype;
}

function constantData(values: tf.BackendValues, dtype: DType): ConstantData {
  const numbers = values as ArrayLike<number>;
  if (dtype === 'float32') return Float32Array.from(numbers);
  return dtype === 'bool' ? Uint8Array.from(numbers, Number) : Int32Array.from(numbers);
}
