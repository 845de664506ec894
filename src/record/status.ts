import { join } from 'node:path';
import { z } from 'zod';
import { type Confirm, replaceFile, writeFileAtomic } from '../disk/files.js';
import { readJson, toJson } from '../disk/json.js';
import { holderOf } from '../disk/lock.js';
import { readOr } from '../errors.js';
import { hostName } from '../machine/host.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';
import { ago } from '../text.js';

export const RUN_STATES = ['running', 'finished', 'interrupted', 'diverged', 'failed'] as const;
export type RunState = (typeof RUN_STATES)[number];

const STATUS = {
  state: z.enum(RUN_STATES),
  /** Why it is in this state, where there is more to say. */
  reason: z.string().nullable(),
  /** When the process last said that it lives (UTC). */
  heartbeat: z.iso.datetime(),
  host: z.string(),
  pid: z.int(),
  /** Completed. */
  epoch: z.int().min(0),
  /** Completed. */
  step: z.int().min(0),
};

const kept = keep(STATUS, ['state']);

/** `status.json`; what another version left out is missing. */
export type RunStatus = Stored<z.output<z.ZodObject<typeof STATUS>>, 'state'>;

const HEARTBEAT_MS = 10_000;

const statusPath = (directory: string) => join(directory, 'status.json');

/**
 * @throws RethinkError (`data`) where `status.json` is missing or damaged.
 */
export function readStatus(directory: string, tell?: Tell): RunStatus {
  const path = statusPath(directory);
  const status = readJson(path, kept.schema);
  tellMissing(path, kept.missing(status), tell);
  return status;
}

/** How long ago the process of a run last said that it lives, for people: `12 s ago`. */
export function heartbeatAge({ heartbeat }: RunStatus, now?: number): string {
  return heartbeat === undefined ? 'at an unknown time' : ago(heartbeat, now);
}

/** What a run is at. */
export interface CurrentState {
  /** A run whose process has gone without a word is `interrupted`; one whose `status.json` is lost is `unknown`. */
  state: RunState | 'unknown';
  /** More about the state, for people; empty where there is nothing. */
  detail: string;
  /** Completed; `null` where nobody knows. */
  epoch: number | null;
}

/** A process says that it lives every ten seconds; compiling a large network can hold it up. */
const SILENCE_MS = 120_000;

/** What a run is at; see `stateOf`. */
export function currentState(directory: string, now = Date.now()): CurrentState {
  const status = readOr(() => readStatus(directory), null);
  return stateOf(directory, status, now);
}

/**
 * What a run is at, by its `status.json` (`null`: lost) and, where that says that it runs, by whether its process is there.
 */
export function stateOf(directory: string, status: RunStatus | null, now: number): CurrentState {
  if (status === null) return { state: 'unknown', detail: '', epoch: null };
  const { state, reason, heartbeat, epoch = null } = status;
  if (state !== 'running') return { state, detail: reason ?? '', epoch };
  const holder = readOr(() => holderOf(directory), null);
  const silent = heartbeat === undefined || now - Date.parse(heartbeat) > SILENCE_MS;
  // Of a process that is here and lives it doesn't matter what keeps it from saying so.
  if (holder?.liveness === 'dead' || (silent && holder?.liveness !== 'alive')) {
    const age = heartbeatAge(status, now);
    return { state: 'interrupted', detail: `killed; last sign of life ${age}`, epoch };
  }
  return { state, detail: epoch === null ? '' : `in epoch ${epoch + 1}`, epoch };
}

/** Whether it waits for the disk: a heartbeat doesn't, the next one comes soon. */
export function writeStatus(
  directory: string,
  status: Required<Pick<RunStatus, 'state' | 'reason' | 'epoch' | 'step'>>,
  { durable, confirm }: { durable: boolean; confirm?: Confirm },
): void {
  const { state, reason, epoch, step } = status;
  const heartbeat = new Date().toISOString();
  const content = { state, reason, heartbeat, host: hostName(), pid: process.pid, epoch, step };
  const text = `${toJson(kept.written(content), 2)}\n`;
  if (durable) writeFileAtomic(statusPath(directory), text, 'run', confirm);
  else replaceFile(statusPath(directory), text, confirm);
}

/** Keeps `status.json` up to date while a run runs. */
export class Heartbeat {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly directory: string,
    private position: { epoch: number; step: number },
    private readonly confirm: Confirm,
  ) {
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.timer.unref();
  }

  /** Where the run is now; on the disk with the next beat. */
  moveTo(position: { epoch: number; step: number }): void {
    this.position = { epoch: position.epoch, step: position.step };
  }

  /** @throws RethinkError: `failed` where the disk refuses it, `lost` where the run is another process's by now. */
  write(state: RunState, reason: string | null): void {
    const { confirm } = this;
    const durable = state !== 'running';
    writeStatus(this.directory, { state, reason, ...this.position }, { durable, confirm });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    try {
      this.write('running', null);
    } catch {
      // A missed beat loses nothing; a disk that is really full, or another process that has the run by now, stops this one at
      // the next row or checkpoint.
    }
  }
}
