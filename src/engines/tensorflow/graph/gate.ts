import { attribute, type GraphDefWriter } from './graph-def.js';
import { type Ref, typeOf } from './lower/context.js';

const T = typeOf({ dtype: 'float32' });

/**
 * Lets updates run only where the step is finite: they hang on the learning rate, which comes through a Switch, and a
 * node with a dead input does not run. A Merge of the two ways runs either way, after the updates if there are any.
 */
export class Gate {
  /** Scalar bool: whether the state may change, known when all has been read that may be changed. */
  readonly decided: string;
  /** The learning rate where the gate is open; dead where it is shut. */
  readonly open: string;
  private readonly shut: string;

  /**
   * @param condition scalar bool: whether the step may change the state
   * @param reads of variables: none of them changes before all have been read
   */
  constructor(
    private readonly writer: GraphDefWriter,
    private readonly prefix: string,
    condition: Ref,
    learningRate: Ref,
    reads: readonly Ref[],
  ) {
    this.decided = writer.node(
      `${prefix}/gate/decided`,
      'Identity',
      [condition.id, ...reads.map(({ id }) => `^${id}`)],
      typeOf({ dtype: 'bool' }),
    );
    this.shut = writer.node(`${prefix}/gate/switch`, 'Switch', [learningRate.id, this.decided], T);
    this.open = writer.node(`${prefix}/gate/open`, 'Identity', [`${this.shut}:1`], T);
  }

  /**
   * A node that runs when the updates have run.
   *
   * @param updates that hang on `open`: they run, or they don't
   * @param always nodes that run either way
   */
  close(updates: readonly string[], always: readonly string[]): string {
    const inputs = [this.open, ...updates.map((node) => `^${node}`)];
    const updated = this.writer.node(`${this.prefix}/gate/updated`, 'Identity', inputs, T);
    const merged = this.writer.node(`${this.prefix}/gate/merged`, 'Merge', [this.shut, updated], {
      ...T,
      N: attribute.integer(2),
    });
    const all = [merged, ...always.map((node) => `^${node}`)];
    return this.writer.node(`${this.prefix}/gate/done`, 'Identity', all, T);
  }
}
