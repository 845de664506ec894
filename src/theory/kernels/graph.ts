import { attribute, GraphDefWriter } from '../../engines/tensorflow/graph/graph-def.js';
import type { Endpoint } from '../../engines/tensorflow/graph/variables.js';
import { type Feed, NativeSession } from '../../engines/tensorflow/native-session.js';

const DOUBLE = { T: attribute.type('float64') };

/** Features of some examples, [rows, columns], float32. */
export interface Rows {
  data: Float32Array;
  rows: number;
  columns: number;
}

/** A row-major block of doubles. */
export interface Block {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** What is done with blocks, by name. */
const OPERATIONS = {
  /** Cholesky's factor of a symmetric positive definite block A (its lower triangle is read). */
  factor: (g, a) => g.op('Cholesky', [a]),
  /** A·L⁻ᵀ. */
  solveRight: (g, a, l) => g.transpose(g.triangular(l, g.transpose(a), false)),
  /** C − A·Bᵀ. */
  update: (g, c, a, b) => g.op('Sub', [c, g.product(a, b, false, true)]),
  /** C − A·B. */
  subtract: (g, c, a, b) => g.op('Sub', [c, g.product(a, b, false, false)]),
  /** C − Aᵀ·B. */
  subtractTransposed: (g, c, a, b) => g.op('Sub', [c, g.product(a, b, true, false)]),
  /** L⁻¹·B. */
  solve: (g, b, l) => g.triangular(l, b, false),
  /** L⁻ᵀ·B. */
  solveTransposed: (g, b, l) => g.triangular(l, b, true),
} satisfies Record<string, (g: DoubleGraph, ...blocks: string[]) => string>;
type BlockOperation = keyof typeof OPERATIONS;

/**
 * The block operations of a kernel solver in double precision, as one TensorFlow graph. tfjs has no doubles: they go in
 * and out as pairs of int32 that the graph takes for the same bits.
 */
export class BlockMath {
  private constructor(
    private readonly session: NativeSession,
    private readonly endpoints: ReturnType<typeof writeEndpoints>,
  ) {}

  /** Needs the engine tensorflow to be loaded. */
  static create(): BlockMath {
    const graph = new GraphDefWriter();
    const endpoints = writeEndpoints(new DoubleGraph(graph));
    return new BlockMath(NativeSession.create(graph), endpoints);
  }

  /** exp(−‖xᵢ − yⱼ‖² / bandwidth), [x.rows, y.rows]. */
  async kernel(x: Rows, y: Rows, bandwidth: number): Promise<Block> {
    const feeds = [rowsFeed(x), rowsFeed(y), scalarFeed(1 / bandwidth)];
    const [bits] = await this.session.run(this.endpoints.kernel, feeds);
    return blockOf(bits!, x.rows, y.rows);
  }

  /** K(x, y)·v and K(x, y)ᵀ·u without the kernel ever leaving TensorFlow. */
  async kernelProducts(x: Rows, y: Rows, bandwidth: number, v: Block, u: Block) {
    const feeds = [rowsFeed(x), rowsFeed(y), scalarFeed(1 / bandwidth), feedOf(v), feedOf(u)];
    const [kv, ku] = await this.session.run(this.endpoints.products, feeds);
    return [blockOf(kv!, x.rows, v.columns), blockOf(ku!, y.rows, u.columns)] as const;
  }

  /** One operation on blocks; the result has the shape of the first. */
  async apply(name: BlockOperation, first: Block, ...others: Block[]): Promise<Block> {
    const feeds = [first, ...others].map(feedOf);
    const [bits] = await this.session.run(this.endpoints[name], feeds);
    return blockOf(bits!, first.rows, first.columns);
  }

  dispose(): void {
    this.session.dispose();
  }
}

function rowsFeed({ data, rows, columns }: Rows): Feed {
  return { data, shape: [rows, columns] };
}

function feedOf({ data, rows, columns }: Block): Feed {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  return { data: bits, shape: [rows, columns, 2] };
}

function scalarFeed(value: number): Feed {
  return { data: new Int32Array(Float64Array.of(value).buffer), shape: [2] };
}

function blockOf(bits: ArrayLike<number>, rows: number, columns: number): Block {
  const { buffer, byteOffset } = bits as Int32Array;
  return { rows, columns, data: new Float64Array(buffer, byteOffset, rows * columns) };
}

/** Names nodes and gives those of doubles their attributes. */
class DoubleGraph {
  private count = 0;

  constructor(private readonly graph: GraphDefWriter) {}

  /** A fed float32 matrix, as doubles: [input, value]. */
  floats(): [feed: string, value: string] {
    const feed = this.add('Placeholder', [], { dtype: attribute.type('float32') });
    const types = { SrcT: attribute.type('float32'), DstT: attribute.type('float64') };
    return [feed, this.add('Cast', [feed], types)];
  }

  /** A fed block or scalar of doubles. */
  doubles(): [feed: string, value: string] {
    const feed = this.add('Placeholder', [], { dtype: attribute.type('int32') });
    const types = { T: attribute.type('int32'), type: attribute.type('float64') };
    return [feed, this.add('Bitcast', [feed], types)];
  }

  /** Doubles as they are fetched. */
  bits(value: string): string {
    const types = { T: attribute.type('float64'), type: attribute.type('int32') };
    return this.add('Bitcast', [value], types);
  }

  op(op: string, inputs: string[], attributes: Parameters<GraphDefWriter['node']>[3] = {}): string {
    return this.add(op, inputs, { ...DOUBLE, ...attributes });
  }

  product(a: string, b: string, transposeA: boolean, transposeB: boolean): string {
    return this.op('MatMul', [a, b], {
      transpose_a: attribute.bool(transposeA),
      transpose_b: attribute.bool(transposeB),
    });
  }

  triangular(l: string, b: string, adjoint: boolean): string {
    return this.op('MatrixTriangularSolve', [l, b], {
      lower: attribute.bool(true),
      adjoint: attribute.bool(adjoint),
    });
  }

  transpose(a: string): string {
    return this.op('Transpose', [a, this.indices([1, 0])], { Tperm: attribute.type('int32') });
  }

  /** ‖row‖² of each row, as a column or as a row. */
  squares(x: string, as: 'column' | 'row'): string {
    const sums = this.op('Sum', [this.op('Square', [x]), this.indices([1])], {
      keep_dims: attribute.bool(true),
      Tidx: attribute.type('int32'),
    });
    return as === 'column' ? sums : this.transpose(sums);
  }

  private indices(values: number[]): string {
    return this.add('Const', [], {
      dtype: attribute.type('int32'),
      value: attribute.tensor('int32', [values.length], Int32Array.from(values)),
    });
  }

  private add(op: string, inputs: string[], attributes: Parameters<GraphDefWriter['node']>[3]) {
    return this.graph.node(`${op}_${this.count++}`, op, inputs, attributes);
  }
}

function writeEndpoints(g: DoubleGraph) {
  const kernel = gaussianKernel(g);
  const forProducts = gaussianKernel(g);
  const [v, u] = [g.doubles(), g.doubles()];
  const operations = Object.entries(OPERATIONS).map(([name, body]) => {
    const fed = Array.from({ length: body.length - 1 }, () => g.doubles());
    const [a, b, c] = fed.map(([, value]) => value) as [string, string, string];
    const endpoint: Endpoint = {
      feeds: fed.map(([feed]) => feed),
      fetches: [g.bits(body(g, a, b, c))],
    };
    return [name, endpoint];
  });
  return {
    kernel: { feeds: kernel.feeds, fetches: [g.bits(kernel.value)] },
    products: {
      feeds: [...forProducts.feeds, v[0], u[0]],
      fetches: [
        g.bits(g.product(forProducts.value, v[1], false, false)),
        g.bits(g.product(forProducts.value, u[1], true, false)),
      ],
    },
    ...(Object.fromEntries(operations) as Record<BlockOperation, Endpoint>),
  };
}

/** exp(−γ(‖x‖² + ‖y‖² − 2⟨x, y⟩)); rounding may make a distance negative by less than the kernel can tell. */
function gaussianKernel(g: DoubleGraph): { feeds: string[]; value: string } {
  const [xFeed, x] = g.floats();
  const [yFeed, y] = g.floats();
  const [rateFeed, rate] = g.doubles();
  const cross = g.product(x, y, false, true);
  const sums = g.op('AddV2', [g.squares(x, 'column'), g.squares(y, 'row')]);
  const distances = g.op('Sub', [sums, g.op('AddV2', [cross, cross])]);
  const value = g.op('Exp', [g.op('Neg', [g.op('Mul', [distances, rate])])]);
  return { feeds: [xFeed, yFeed, rateFeed], value };
}
