import { SINK_KINDS, type TrackerPlace } from '../../config/sinks.js';
import { counted } from '../../text.js';
import { factsOf, lastSign, resultPoint, stateOf } from './facts.js';
import { PositionFile } from './position.js';
import { OF_CLOCKS, pointOf, RowsInOrder } from './rows.js';
import { TRACKERS } from './trackers.js';
import type { Exported, Held, Point, RunFacts, TrackedState, Tracker } from './types.js';

export interface SessionOptions {
  signal?: AbortSignal | undefined;
  /** Default: that of this process. Holds what trackers are to be shown. */
  env?: NodeJS.ProcessEnv | undefined;
  note?(sentence: string): void;
}

/** A run as it is open at a tracker. */
interface Open {
  facts: RunFacts;
  id: string;
  /** What was there and has not been compared yet. */
  held: Held;
  names: Map<string, string>;
}

/**
 * Sends one run to one tracker, from the run's own files. It begins by asking the tracker what it has, and asks again after
 * every failure, since what was under way may have arrived; so no row is ever sent that is there.
 */
export class TrackerSession {
  private readonly tracker: Tracker;
  private readonly rows: RowsInOrder;
  private readonly told = new Set<string>();
  private position: PositionFile | undefined;
  private open: Open | undefined;
  private last = { epoch: 0, step: 0 };
  private counts = { rows: 0, before: 0 };
  private other: { rows: number; first: string } = { rows: 0, first: '' };

  constructor(
    private readonly runDir: string,
    private readonly place: TrackerPlace,
    private readonly options: SessionOptions,
  ) {
    this.tracker = TRACKERS[place.kind](place, options.env ?? process.env, options.signal);
    this.rows = new RowsInOrder(runDir);
  }

  /** Rows that the tracker is known to have. */
  get sent(): number {
    return this.counts.rows + this.counts.before;
  }

  /**
   * Sends all rows that the run has written by now.
   *
   * @throws TrackerError where the tracker can't be reached or refuses: what it has confirmed stays confirmed; RethinkError
   * as `PositionFile.open`, and `data` where the run is damaged.
   */
  async sync(): Promise<void> {
    try {
      const open = await this.opened();
      for (;;) {
        const rows = this.rows.next(this.tracker.batch);
        if (rows.length === 0) break;
        const points = rows.map((row) => this.named(pointOf(row, open.facts.started)));
        const added = await this.add(points);
        this.counts.rows += added;
        this.counts.before += rows.length - added;
        this.last = { epoch: rows.at(-1)!.epoch, step: rows.at(-1)!.step };
        this.remember(null);
      }
    } catch (error) {
      this.open = undefined;
      throw error;
    }
  }

  /** `sync`, and the run's result and state, as they are now. */
  async finish(): Promise<void> {
    await this.sync();
    try {
      const { facts: before, id } = await this.opened();
      const facts = await factsOf(this.runDir, before.experiment);
      this.open!.facts = facts;
      const state = stateOf(this.runDir);
      const result = state === 'running' ? null : resultPoint(this.runDir, facts.started);
      if (result !== null) await this.add([this.named(result)]);
      this.tellOthers(state);
      await this.tracker.end(facts, id, state, lastSign(this.runDir));
      const complete = state === 'running' || state === 'interrupted' ? null : new Date();
      this.remember(complete);
    } catch (error) {
      this.open = undefined;
      throw error;
    }
  }

  /** What was done. */
  summary(): Exported {
    return { run_dir: this.runDir, ...this.counts, target: this.open?.id ?? '' };
  }

  close(): void {
    this.position?.close();
    this.position = undefined;
  }

  private async opened(): Promise<Open> {
    if (this.open !== undefined) return this.open;
    const facts = await factsOf(this.runDir, this.place.experiment);
    const { signal } = this.options;
    const place = { ...this.place, experiment: facts.experiment };
    this.position ??= await PositionFile.open(this.runDir, place, {
      signal,
      onWait: (sentence) => this.tell(sentence),
    });
    this.position.confirm();
    const known = this.position.read()?.run ?? null;
    const { id, held, notes } = await this.tracker.open(facts, known);
    for (const note of notes) this.tell(note);
    this.rows.rewind();
    this.counts = { rows: 0, before: 0 };
    this.open = { facts, id, held, names: new Map() };
    return this.open;
  }

  private remember(complete: Date | null): void {
    const { id } = this.open!;
    this.position!.write({ run: id, ...this.last, complete: complete?.toISOString() ?? null });
  }

  /** Adds what isn't there of some points. Returns of how many there was something to add. */
  private async add(points: Point[]): Promise<number> {
    const { facts, id, held } = this.open!;
    const missing = points.flatMap((point) => {
      const there = held.get(point.step);
      if (there === undefined) return [point];
      this.compare(point, there);
      const left = Object.entries(point.values).filter(([name]) => !there.has(name));
      return left.length === 0 ? [] : [{ ...point, values: Object.fromEntries(left) }];
    });
    if (missing.length > 0) {
      this.position!.confirm();
      await this.tracker.add(facts, id, missing);
    }
    return missing.length;
  }

  /** A run that goes on from a checkpoint does rows again that were sent: they are the same, or that is told. */
  private compare({ step, values }: Point, there: Map<string, number>): void {
    const differs = ([name, value]: [string, number]) =>
      there.has(name) && !OF_CLOCKS.test(name) && !isSame(value, there.get(name)!);
    const found = Object.entries(values).find(differs);
    if (found === undefined) return;
    const [name, value] = found;
    const first = `${name} at step ${step} is ${there.get(name)} there, and ${value} here`;
    this.other = { rows: this.other.rows + 1, first: this.other.first || first };
  }

  private tellOthers(state: TrackedState): void {
    const { label } = SINK_KINDS[this.place.kind];
    const { rows, first } = this.other;
    if (rows > 0) {
      this.tell(
        `${label} has ${counted(rows, 'row')} with other numbers than ${this.runDir}: ${first}. They were left as they are.`,
      );
    }
    const beyond = [...this.open!.held.keys()].filter((step) => step > this.last.step).length;
    const isOver = state !== 'running' && this.last.step > 0;
    if (beyond > 0 && isOver) {
      this.tell(`${label} has rows past step ${this.last.step}, where ${this.runDir} ends.`);
    }
  }

  /** Names as the tracker allows them; two that would be one there are told apart by a number. */
  private named({ values, ...point }: Point): Point {
    const { names } = this.open!;
    for (const given of Object.keys(values)) {
      if (names.has(given)) continue;
      const taken = [...names.values()];
      const name = this.tracker.name(given);
      let free = name;
      for (let n = 2; taken.includes(free); n++) free = `${name}_${n}`;
      names.set(given, free);
      if (free !== given) {
        this.tell(`${given} is called ${free} at ${SINK_KINDS[this.place.kind].label}.`);
      }
    }
    const renamed = Object.entries(values).map(([name, value]) => [names.get(name)!, value]);
    return { ...point, values: Object.fromEntries(renamed) as Record<string, number> };
  }

  /** Each sentence once. */
  private tell(sentence: string): void {
    if (this.told.has(sentence)) return;
    this.told.add(sentence);
    this.options.note?.(sentence);
  }
}

/** Whether two numbers are one as far as a database of decimals keeps it. MLflow's has no infinity. */
function isSame(a: number, b: number): boolean {
  const [x, y] = [a, b].map((n) => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, n)));
  // Trackio doesn't say which number that is none it has.
  if (Object.is(x, y) || x === y || (Number.isNaN(b) && !Number.isFinite(a))) return true;
  return Math.abs(x! - y!) <= 1e-9 * Math.max(Math.abs(x!), Math.abs(y!));
}
