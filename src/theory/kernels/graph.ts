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
  kernel(x: Rows, y: Rows, bandwidth: number): Promise<Block> {
    const feeds = [rowsFeed(x), rowsFeed(y), scalarFeed(1 / bandwidth)];
    return this.call('kernel', feeds, x.rows, y.rows);
  }

  /** K(x, y)·v and K(x, y)ᵀ·u without the kernel ever leaving TensorFlow. */
  async kernelProducts(x: Rows, y: Rows, bandwidth: number, v: Block, u: Block) {
    const feeds = [rowsFeed(x), rowsFeed(y), scalarFeed(1 / bandwidth), feedOf(v), feedOf(u)];
    const [kv, ku] = await this.session.run(this.endpoints.products, feeds);
    return [blockOf(kv!, x.rows, v.columns), blockOf(ku!, y.rows, u.columns)] as const;
  }

  /** Cholesky's factor of a symmetric positive definite block (its lower triangle is read). */
  factor(a: Block): Promise<Block> {
    return this.call('factor', [feedOf(a)], a.rows, a.columns);
  }

  /** A·L⁻ᵀ. */
  solveRight(l: Block, a: Block): Promise<Block> {
    return this.call('solveRight', [feedOf(l), feedOf(a)], a.rows, a.columns);
  }

  /** C − A·Bᵀ. */
  update(c: Block, a: Block, b: Block): Promise<Block> {
    return this.call('update', [feedOf(c), feedOf(a), feedOf(b)], c.rows, c.columns);
  }

  /** C − A·B. */
  subtract(c: Block, a: Block, b: Block): Promise<Block> {
    return this.call('subtract', [feedOf(c), feedOf(a), feedOf(b)], c.rows, c.columns);
  }

  /** C − Aᵀ·B. */
  subtractTransposed(c: Block, a: Block, b: Block): Promise<Block> {
    return this.call('subtractTransposed', [feedOf(c), feedOf(a), feedOf(b)], c.rows, c.columns);
  }

  /** L⁻¹·B. */
  solve(l: Block, b: Block): Promise<Block> {
    return this.call('solve', [feedOf(l), feedOf(b)], b.rows, b.columns);
  }

  /** L⁻ᵀ·B. */
  solveTransposed(l: Block, b: Block): Promise<Block> {
    return this.call('solveTransposed', [feedOf(l), feedOf(b)], b.rows, b.columns);
  }

  dispose(): void {
    this.session.dispose();
  }

  private async call(
    name: keyof ReturnType<typeof writeEndpoints>,
    feeds: Feed[],
    rows: number,
    columns: number,
  ): Promise<Block> {
    const [bits] = await this.session.run(this.endpoints[name], feeds);
    return blockOf(bits!, rows, columns);
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
  /** One result of doubles that are all fed. */
  const simple = (inputs: number, body: (values: string[]) => string): Endpoint => {
    const fed = Array.from({ length: inputs }, () => g.doubles());
    const result = body(fed.map(([, value]) => value));
    return { feeds: fed.map(([feed]) => feed), fetches: [g.bits(result)] };
  };
  const kernel = gaussianKernel(g);
  const forProducts = gaussianKernel(g);
  const [v, u] = [g.doubles(), g.doubles()];
  return {
    kernel: { feeds: kernel.feeds, fetches: [g.bits(kernel.value)] },
    products: {
      feeds: [...forProducts.feeds, v[0], u[0]],
      fetches: [
        g.bits(g.product(forProducts.value, v[1], false, false)),
        g.bits(g.product(forProducts.value, u[1], true, false)),
      ],
    },
    factor: simple(1, ([a]) => g.op('Cholesky', [a!])),
    solveRight: simple(2, ([l, a]) => g.transpose(g.triangular(l!, g.transpose(a!), false))),
    update: simple(3, ([c, a, b]) => g.op('Sub', [c!, g.product(a!, b!, false, true)])),
    subtract: simple(3, ([c, a, b]) => g.op('Sub', [c!, g.product(a!, b!, false, false)])),
    subtractTransposed: simple(3, ([c, a, b]) => g.op('Sub', [c!, g.product(a!, b!, true, false)])),
    solve: simple(2, ([l, b]) => g.triangular(l!, b!, false)),
    solveTransposed: simple(2, ([l, b]) => g.triangular(l!, b!, true)),
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
