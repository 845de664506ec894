import type { Watching } from '../../progress.js';

/** A run as a tracker is told of it. */
export interface RunFacts {
  /** The same for a run directory as long as it lives, wherever it is copied to: what a tracker finds its run by. */
  id: string;
  /** That of its directory. */
  name: string;
  /** What holds it at the tracker: an experiment, a project. */
  experiment: string;
  /** Milliseconds since 1970. */
  started: number;
  /** The resolved config, flat: plain values, and lists of them. */
  params: Record<string, unknown>;
  /** The conditions of its numbers, in the same form. */
  tags: Record<string, unknown>;
}

/** Numbers at a step. */
export interface Point {
  step: number;
  /** Milliseconds since 1970; a function of the row, so that the same row sent twice is the same at the tracker. */
  at: number;
  values: Record<string, number>;
}

/** What a tracker has of a run: numbers by step, then by name. */
export type Held = Map<number, Map<string, number>>;

/** How a run ended, or that it goes on. */
export type TrackedState = 'running' | 'finished' | 'interrupted' | 'failed';

/** A run at a tracker. */
export interface TrackedRun {
  /** That of the tracker. */
  id: string;
  held: Held;
  /** Sentences for the person. */
  notes: string[];
}

/** A server that keeps runs. Every method throws a `TrackerError` where it can't be reached or refuses. */
export interface Tracker {
  /** A name as it is allowed there. */
  name(given: string): string;
  /**
   * Finds a run, or makes it where the tracker does that before the first row, and asks what is there of it.
   *
   * @param known The tracker's id of it, where it was there before.
   */
  open(facts: RunFacts, known: string | null): Promise<TrackedRun>;
  /** Adds points; most at once: `batch`. */
  add(facts: RunFacts, id: string, points: Point[]): Promise<void>;
  readonly batch: number;
  /** @param at When it was in that state, in milliseconds since 1970. */
  end(facts: RunFacts, id: string, state: TrackedState, at: number): Promise<void>;
}

/** What became of a run that was exported. */
export interface Exported {
  run_dir: string;
  /** Rows that were written now. */
  rows: number;
  /** Rows that were there before. */
  before: number;
  /** The tracker's id, or the file. */
  target: string;
}

/** A kind of sink that is written as a whole, from the files of runs. */
export interface FileSink {
  /** @throws RethinkError where a run is damaged or the disk refuses; nothing is left half-written. */
  write(runDirs: readonly string[], address: string, watching: Watching): Promise<Exported[]>;
}
