import { type Cut, partName } from '../../trace/passes/shard.js';
import type { StateSpec } from '../../types.js';
import { attribute, type GraphDefWriter } from './graph-def.js';
import { LowerContext, type Ref } from './lower/context.js';

const FLOAT = { dtype: attribute.type('float32') };

/** What is fed and fetched in one call of a session: names of nodes. */
export interface Endpoint {
  feeds: readonly string[];
  fetches: readonly string[];
}

/**
 * State as TensorFlow's resource variables: they live as long as the session, between its calls. What is cut into parts
 * is one variable for each part.
 */
export class Variables {
  /** What there is a variable for, in the state's order. */
  readonly specs: readonly StateSpec[];

  /**
   * @param state what the host knows
   * @param cuts by the name of a state that is cut into parts
   */
  constructor(
    private readonly graph: GraphDefWriter,
    private readonly state: readonly StateSpec[],
    private readonly cuts: ReadonlyMap<string, Cut> = new Map(),
  ) {
    this.specs = state.flatMap((spec) => this.parts(spec));
    for (const { name, shape } of this.specs) {
      graph.node(this.handle(name), 'VarHandleOp', [], {
        ...FLOAT,
        shape: attribute.shape(shape),
        shared_name: attribute.string(name),
        container: attribute.string(''),
      });
    }
  }

  handle(name: string): string {
    return `variable/${name}`;
  }

  /** The values of all variables, by name, read when the nodes of `after` have run. */
  read(prefix: string, after: readonly string[] = []): Map<string, Ref> {
    const reads = this.specs.map(({ name, shape }): [string, Ref] => {
      const inputs = [this.handle(name), ...after.map((node) => `^${node}`)];
      const id = this.graph.node(`${prefix}/read/${name}`, 'ReadVariableOp', inputs, FLOAT);
      return [name, { id, shape, dtype: 'float32' }];
    });
    return new Map(reads);
  }

  /** Sets a variable. */
  assign(name: string, prefix: string, value: string, after: readonly string[] = []): string {
    const inputs = [this.handle(name), value, ...after.map((node) => `^${node}`)];
    return this.graph.node(`${prefix}/assign/${name}`, 'AssignVariableOp', inputs, FLOAT);
  }

  /** Endpoint that sets the whole state, fed in its order. */
  setter(): Endpoint {
    const context = new LowerContext(this.graph, 'set');
    const feeds = this.state.map(({ name, shape }) =>
      context.placeholder(`value/${name}`, { shape, dtype: 'float32' }),
    );
    const assigned = this.state.flatMap((spec, i) => {
      const cut = this.cuts.get(spec.name);
      const value = feeds[i]!;
      const values =
        cut === undefined ? [value] : context.split(value, spec.shape.length + cut.axis, cut.sizes);
      return this.parts(spec).map(({ name }, part) => this.assign(name, 'set', values[part]!.id));
    });
    // A call has to fetch something.
    const done = this.graph.node(
      'set/done',
      'Const',
      assigned.map((node) => `^${node}`),
      { dtype: attribute.type('bool'), value: attribute.splat('bool', [], 1) },
    );
    return { feeds: feeds.map(({ id }) => id), fetches: [done] };
  }

  /** Endpoint that gives the whole state, in its order. Its reads are its own: nothing is ordered around them. */
  getter(): Endpoint {
    const context = new LowerContext(this.graph, 'get');
    const reads = this.read('get');
    const fetches = this.state.map((spec) => {
      const parts = this.parts(spec).map(({ name }) => reads.get(name)!);
      const cut = this.cuts.get(spec.name);
      return cut === undefined ? parts[0]! : context.concat(parts, spec.shape.length + cut.axis);
    });
    return { feeds: [], fetches: fetches.map(({ id }) => id) };
  }

  private parts(spec: StateSpec): StateSpec[] {
    const cut = this.cuts.get(spec.name);
    if (cut === undefined) return [spec];
    return cut.sizes.map((size, i) => ({
      name: partName(spec.name, i),
      shape: spec.shape.with(cut.axis, size),
    }));
  }
}
