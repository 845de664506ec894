import { setTimeout as sleep } from 'node:timers/promises';
import { SINK_KINDS, type TrackerPlace } from '../../config/sinks.js';
import { messageOf, RethinkError } from '../../errors.js';
import { shownUrl } from '../../net/url.js';
import { shellQuoted } from '../../text.js';
import { TrackerError } from './ask.js';
import { TrackerSession } from './session.js';

/** In milliseconds. */
const TIMES = {
  /** Rows of a fast run are sent together, this often. */
  gather: 1000,
  longestPause: 60_000,
  /** How long a run waits at its end for a tracker that takes its rows … */
  lastWait: 10_000,
  /** … and for one that doesn't. */
  lastTry: 2000,
};
let times = TIMES;

/** For tests alone: other times; none: the usual ones. */
export function setBackgroundTimes(others: Partial<typeof TIMES> = {}): void {
  times = { ...TIMES, ...others };
}

export interface BackgroundOptions {
  note(sentence: string): void;
  /** Aborting it ends everything at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Sends a run to its trackers while it goes on. Nothing of it is ever waited for but at the end, for a bounded time, and
 * nothing that goes wrong in it reaches the run: it is told, once at first and once at the end.
 */
export class Background {
  private readonly senders: Sender[];

  constructor(runDir: string, places: readonly TrackerPlace[] = [], options: BackgroundOptions) {
    this.senders = places.map((place) => new Sender(runDir, place, options));
  }

  /** There is something new to send. */
  poke(): void {
    for (const sender of this.senders) sender.poke();
  }

  /** The run has ended, and all its files say so: sends the rest, for as long as that may take. */
  async finish(): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.finish()));
  }

  /** The run failed or was interrupted: nobody waits. Safe to call after `finish`. */
  stop(): void {
    for (const sender of this.senders) sender.stop();
  }
}

class Sender {
  private readonly controller = new AbortController();
  private readonly session: TrackerSession;
  private readonly label: string;
  private readonly working: Promise<void>;
  private wake = new AbortController();
  private isPoked = true;
  private isEnding = false;
  /** The last failure, where the tracker has answered nothing right since. */
  private failure: Error | undefined;
  private isDone = false;

  constructor(
    private readonly runDir: string,
    private readonly place: TrackerPlace,
    private readonly options: BackgroundOptions,
  ) {
    const { signal, note } = options;
    const own = this.controller.signal;
    const both = signal === undefined ? own : AbortSignal.any([signal, own]);
    this.label = `${SINK_KINDS[place.kind].label} at ${shownUrl(place.url)}`;
    this.session = new TrackerSession(runDir, place, { signal: both, note });
    // Whatever goes wrong in telling what went wrong: the run has nothing to do with it.
    this.working = this.work(both).catch(() => undefined);
  }

  poke(): void {
    this.isPoked = true;
  }

  async finish(): Promise<void> {
    this.isEnding = true;
    this.isPoked = true;
    this.wake.abort();
    const most = this.failure === undefined ? times.lastWait : times.lastTry;
    const over = new AbortController();
    const { signal } = this.options;
    const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    await Promise.race([
      this.working,
      sleep(most, undefined, { signal: either }).catch(() => undefined),
    ]);
    over.abort();
    this.stop();
  }

  stop(): void {
    if (this.controller.signal.aborted) return;
    this.controller.abort();
    this.wake.abort();
    if (!this.isDone) this.tellRest();
  }

  private async work(signal: AbortSignal): Promise<void> {
    try {
      for (let failures = 0; !this.isDone && !signal.aborted; ) {
        try {
          await this.turn();
          failures = 0;
          this.failure = undefined;
          await this.pause(times.gather);
        } catch (error) {
          if (signal.aborted) return;
          this.note(error);
          if (!mayPass(error)) return;
          const asked = error instanceof TrackerError ? error.pause * 1000 : 0;
          await this.pause(
            Math.max(asked, Math.min(times.longestPause, times.gather * 2 ** failures++)),
          );
        }
      }
    } finally {
      this.session.close();
    }
  }

  private async turn(): Promise<void> {
    if (!this.isPoked) return;
    const isLast = this.isEnding;
    this.isPoked = false;
    try {
      await (isLast ? this.session.finish() : this.session.sync());
      this.isDone = isLast;
    } catch (error) {
      this.isPoked = true;
      throw error;
    }
  }

  /** Until then, or until the run's end; it keeps no process alive. */
  private async pause(ms: number): Promise<void> {
    if (this.isDone) return;
    const { signal } = this.wake;
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) this.wake = new AbortController();
  }

  /** Tells the first failure of several in a row. */
  private note(error: unknown): void {
    const isFirst = this.failure === undefined;
    this.failure = error instanceof Error ? error : new Error(messageOf(error));
    if (!isFirst) return;
    const hint = error instanceof RethinkError && error.hint ? ` ${error.hint}` : '';
    const next = mayPass(error) ? 'It is tried again.' : 'Nothing more is sent.';
    this.options.note(`${messageOf(error)}${hint} ${next} The run goes on.`);
  }

  private tellRest(): void {
    const { kind, url, experiment } = this.place;
    const more = experiment === undefined ? '' : ` --experiment ${shellQuoted(experiment)}`;
    const run = shellQuoted(this.runDir);
    this.options.note(
      `${this.label} has ${this.session.sent} rows so far; rethink-gen export ${run} --to ${kind} ${shellQuoted(url)}${more} sends the rest.`,
    );
  }
}

/** Whether the same may work in a while: a process that sends as well ends, and a network comes back. */
function mayPass(error: unknown): boolean {
  if (error instanceof TrackerError) return error.mayPass;
  return error instanceof RethinkError && error.kind === 'busy';
}
