import type { StateSpec } from '../../types.js';
import { attribute, type GraphDefWriter } from './graph-def.js';
import type { Ref } from './lower/context.js';

const FLOAT = { dtype: attribute.type('float32') };

/** What is fed and fetched in one call of a session: names of nodes. */
export interface Endpoint {
  feeds: readonly string[];
  fetches: readonly string[];
}

/** State as TensorFlow's resource variables: they live as long as the session, between its calls. */
export class Variables {
  constructor(
    private readonly graph: GraphDefWriter,
    readonly specs: readonly StateSpec[],
  ) {
    for (const { name, shape } of specs) {
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

  /** The values of all variables, by state name, read when the nodes of `after` have run. */
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

  /** Endpoint that sets all variables, fed in their order. */
  setter(): Endpoint {
    const feeds = this.specs.map(({ name, shape }) =>
      this.graph.node(`set/value/${name}`, 'Placeholder', [], {
        ...FLOAT,
        shape: attribute.shape(shape),
      }),
    );
    // A fed tensor is the caller's own memory: a variable that took it over would be trained in there, and would free it
    // on a thread of TensorFlow's, where Node's interface must not be called.
    const copies = this.specs.map(({ name }, i) =>
      this.graph.node(`set/copy/${name}`, 'DeepCopy', [feeds[i]!], {
        T: attribute.type('float32'),
      }),
    );
    const assigned = this.specs.map(({ name }, i) => this.assign(name, 'set', copies[i]!));
    // A call has to fetch something.
    const done = this.graph.node(
      'set/done',
      'Const',
      assigned.map((node) => `^${node}`),
      { dtype: attribute.type('bool'), value: attribute.splat('bool', [], 1) },
    );
    return { feeds, fetches: [done] };
  }

  /** Endpoint that gives all variables, in their order. Its reads are its own: nothing is ordered around them. */
  getter(): Endpoint {
    const reads = this.read('get');
    return { feeds: [], fetches: this.specs.map(({ name }) => reads.get(name)!.id) };
  }
}
