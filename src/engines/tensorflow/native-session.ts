import { messageOf, RethinkError } from '../../errors.js';
import { bytes, integer } from '../../protobuf.js';
import { sizeOf } from '../../shape.js';
import { allocate, awaitCall, copyBytes, inMemory, int64s, writeBytes } from '../native/memory.js';
import { type CApi, cApi, checked, type Pointer, throwIfFailed } from './c-api.js';
import { type GraphDefWriter, TYPE_NUMBERS } from './graph/graph-def.js';
import type { Endpoint } from './graph/variables.js';

export type FeedData = Float32Array | Int32Array | Uint8Array;

/** What a feed is: numbers and their shape. */
export interface Feed {
  data: FeedData;
  shape: readonly number[];
}

export interface SessionOptions {
  /** Whether TensorFlow may put its fused operations in the place of several. */
  fuse?: boolean;
  /** Whether TensorFlow may write a graph anew (a / √b as a · rsqrt(b), say), fused operations included. */
  rewrite?: boolean;
}

const POINTER_BYTES = 8;
/** Of a TF_Output: a pointer and an int. */
const OUTPUT_BYTES = 16;

/** The nodes of an endpoint as TensorFlow takes them: TF_Outputs, one after the other. */
interface Slots {
  feeds: Buffer;
  fetches: Buffer;
  fetchCount: number;
}

/** A TensorFlow session on one graph, through the C API. */
export class NativeSession {
  private readonly slots = new WeakMap<Endpoint, Slots>();
  private calls = 0;
  private open = true;

  private constructor(
    private readonly api: CApi,
    private readonly graph: Pointer,
    private readonly session: Pointer,
  ) {}

  /** Needs the engine tensorflow to be loaded. */
  static create(writer: GraphDefWriter, options: SessionOptions = {}): NativeSession {
    const api = cApi();
    const graph = api.TF_NewGraph();
    try {
      importGraph(api, graph, writer);
      return new NativeSession(api, graph, newSession(api, graph, options));
    } catch (error) {
      api.TF_DeleteGraph(graph);
      throw error;
    }
  }

  /** Copies feeds, for one call to come: it can be done while another one is under way. */
  prepare(feeds: readonly Feed[]): PreparedFeeds {
    try {
      return new PreparedFeeds(this.api, feeds);
    } catch (error) {
      throw explained(error);
    }
  }

  /**
   * One call, on another thread: the event loop stays free. Feeds and results are in the endpoint's order. Feeds are
   * copied before this returns, unless they have been before; results are copies.
   */
  async run(endpoint: Endpoint, feeds: readonly Feed[] | PreparedFeeds): Promise<FeedData[]> {
    const { api } = this;
    const prepared = feeds instanceof PreparedFeeds ? feeds : this.prepare(feeds);
    if (!this.open) {
      prepared.free();
      throw new Error('the session has been disposed');
    }
    let outputs: Pointer[] = [];
    this.calls++;
    try {
      outputs = await this.sessionRun(this.slotsOf(endpoint), prepared.tensors);
      return outputs.map((tensor) => readTensor(api, tensor));
    } catch (error) {
      throw explained(error);
    } finally {
      prepared.free();
      for (const tensor of outputs) api.TF_DeleteTensor(tensor);
      this.calls--;
      this.freeIfDone();
    }
  }

  /** Frees graph and variables, when calls under way have come back. Safe to call twice. */
  dispose(): void {
    if (!this.open) return;
    this.open = false;
    this.freeIfDone();
  }

  private freeIfDone(): void {
    if (this.open || this.calls > 0) return;
    checked((status) => this.api.TF_DeleteSession(this.session, status));
    this.api.TF_DeleteGraph(this.graph);
  }

  private async sessionRun(slots: Slots, inputs: readonly Pointer[]): Promise<Pointer[]> {
    const { api, session } = this;
    const values = int64s(inputs.map((tensor) => tensor ?? 0n));
    const results = allocate(slots.fetchCount * POINTER_BYTES);
    const status = api.TF_NewStatus();
    try {
      await awaitCall<void>([slots, values, results], (done) =>
        api.TF_SessionRun.async(
          ...([session, null, slots.feeds, values, inputs.length] as const),
          ...([slots.fetches, results, slots.fetchCount, null, 0, null, status, done] as const),
        ),
      );
      throwIfFailed(api, status);
    } finally {
      api.TF_DeleteStatus(status);
    }
    return Array.from({ length: slots.fetchCount }, (_, i) =>
      results.readBigUInt64LE(i * POINTER_BYTES),
    );
  }

  private slotsOf(endpoint: Endpoint): Slots {
    const known = this.slots.get(endpoint);
    if (known !== undefined) return known;
    const { feeds, fetches } = endpoint;
    const slots = {
      feeds: this.outputsOf(feeds),
      fetches: this.outputsOf(fetches),
      fetchCount: fetches.length,
    };
    this.slots.set(endpoint, slots);
    return slots;
  }

  /** TF_Outputs for `name` or `name:output`. */
  private outputsOf(ids: readonly string[]): Buffer {
    const memory = allocate(ids.length * OUTPUT_BYTES);
    for (const [i, id] of ids.entries()) {
      const [name, output = '0'] = id.split(':') as [string, string?];
      const operation = this.api.TF_GraphOperationByName(this.graph, name);
      if (operation === null) throw new Error(`the graph has no node ${name}`);
      memory.writeBigUInt64LE(operation, i * OUTPUT_BYTES);
      memory.writeInt32LE(Number(output), i * OUTPUT_BYTES + POINTER_BYTES);
    }
    return memory;
  }
}

/** Feeds in TensorFlow's memory. The call that they are given to frees them. */
export class PreparedFeeds {
  readonly tensors: Pointer[] = [];

  constructor(
    private readonly api: CApi,
    feeds: readonly Feed[],
  ) {
    try {
      for (const feed of feeds) this.tensors.push(newTensor(api, feed));
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Safe to call twice. */
  free(): void {
    for (const tensor of this.tensors.splice(0)) this.api.TF_DeleteTensor(tensor);
  }
}

function importGraph(api: CApi, graph: Pointer, writer: GraphDefWriter): void {
  const definition = inMemory(Buffer.concat(writer.fields()));
  const buffer = api.TF_NewBufferFromString(definition, definition.length);
  const options = api.TF_NewImportGraphDefOptions();
  try {
    checked((status) => api.TF_GraphImportGraphDef(graph, buffer, options, status));
  } finally {
    api.TF_DeleteImportGraphDefOptions(options);
    api.TF_DeleteBuffer(buffer);
  }
}

function newSession(api: CApi, graph: Pointer, options: SessionOptions): Pointer {
  const config = inMemory(configProto(options));
  const sessionOptions = api.TF_NewSessionOptions();
  try {
    checked((status) => api.TF_SetConfig(sessionOptions, config, config.length, status));
    return checked((status) => api.TF_NewSession(graph, sessionOptions, status));
  } finally {
    api.TF_DeleteSessionOptions(sessionOptions);
  }
}

/** An encoded tensorflow.ConfigProto. */
function configProto({ fuse = true, rewrite = true }: SessionOptions): Buffer {
  // graph_options.rewrite_options.…
  const set = (field: number, value: number | boolean) =>
    bytes(10, bytes(10, integer(field, value)));
  if (!rewrite) return set(19, true); // disable_meta_optimizer
  return fuse ? Buffer.alloc(0) : set(14, 2); // remapping = OFF
}

/** A tensor in memory of TensorFlow's own: a variable may take it over, and train in it. */
function newTensor(api: CApi, { data, shape }: Feed): Pointer {
  if (sizeOf(shape) !== data.length) throw new Error(`[${shape}] is fed ${data.length} elements`);
  const dtype = TYPE_NUMBERS[dtypeOf(data)];
  const tensor = api.TF_AllocateTensor(dtype, int64s(shape), shape.length, data.byteLength);
  if (tensor === null) throw new Error(`out of memory: ${data.byteLength} bytes to be fed`);
  writeBytes(api.TF_TensorData(tensor)!, data);
  return tensor;
}

function dtypeOf(data: FeedData): 'float32' | 'int32' | 'uint8' {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'uint8';
}

/** A copy of what a tensor holds: float32 or int32, or bytes (bools are bytes 0 and 1). */
function readTensor(api: CApi, tensor: Pointer): FeedData {
  const data = api.TF_TensorData(tensor);
  const { buffer } = copyBytes(data ?? 0n, Number(api.TF_TensorByteSize(tensor)));
  switch (api.TF_TensorType(tensor)) {
    case TYPE_NUMBERS.float32:
      return new Float32Array(buffer);
    case TYPE_NUMBERS.int32:
      return new Int32Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

function explained(error: unknown): RethinkError {
  const message = messageOf(error);
  const memory = /OOM|RESOURCE_EXHAUSTED|out of memory/i.test(message);
  const [first] = message.split('\n');
  return memory
    ? new RethinkError('failed', 'TensorFlow ran out of memory in a step.', {
        hint: 'Use a smaller train.batchSize or model, or a device with more memory.',
        cause: error,
      })
    : new RethinkError('failed', `TensorFlow failed in a step: ${first}`, {
        hint: 'engine.eager=true runs the same step op by op.',
        cause: error,
      });
}
