import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../disk/files.js';
import { readJson, toJson } from '../disk/json.js';
import { hostName } from '../machine/host.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';

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

/** Seconds since the process of a run last said that it lives, for people: `12 s ago`. */
export function heartbeatAge(status: RunStatus, now = Date.now()): string {
  if (status.heartbeat === undefined) return 'at an unknown time';
  const seconds = Math.max(0, Math.round((now - Date.parse(status.heartbeat)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200
    ? `${Math.round(seconds / 60)} min ago`
    : `${Math.round(seconds / 3600)} h ago`;
}

export function writeStatus(
  directory: string,
  status: Required<Pick<RunStatus, 'state' | 'reason' | 'epoch' | 'step'>>,
): void {
  const { state, reason, epoch, step } = status;
  const heartbeat = new Date().toISOString();
  const content = { state, reason, heartbeat, host: hostName(), pid: process.pid, epoch, step };
  writeFileAtomic(statusPath(directory), `${toJson(kept.written(content), 2)}\n`);
}

/** Keeps `status.json` up to date while a run runs. */
export class Heartbeat {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly directory: string,
    private position: { epoch: number; step: number },
  ) {
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.timer.unref();
  }

  /** Where the run is now; on the disk with the next beat. */
  moveTo(position: { epoch: number; step: number }): void {
    this.position = { epoch: position.epoch, step: position.step };
  }

  /** @throws RethinkError (`failed`) where the disk refuses it. */
  write(state: RunState, reason: string | null): void {
    writeStatus(this.directory, { state, reason, ...this.position });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private beat(): void {
    try {
      this.write('running', null);
    } catch {
      // A missed beat loses nothing; a disk that is really full stops the run at the next row or checkpoint.
    }
  }
}
