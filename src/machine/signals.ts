import { constants, fstatSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { systemText } from './cpu.js';

/**
 * Signals that end a run in order, with the exit code by the shell's convention: 128 and the signal's number. A second
 * SIGINT or SIGTERM is someone who doesn't want to wait. The others come again by themselves: a terminal that closes and the
 * shell in it both send SIGHUP, and the kernel sends SIGXCPU every second until the hard limit.
 */
export const STOP_SIGNALS = {
  SIGINT: { exitCode: 130, secondEndsAtOnce: true },
  SIGTERM: { exitCode: 143, secondEndsAtOnce: true },
  SIGHUP: { exitCode: 129, secondEndsAtOnce: false },
  SIGXCPU: { exitCode: 152, secondEndsAtOnce: false },
} as const;

export type StopSignal = keyof typeof STOP_SIGNALS;
const STOP_NAMES = Object.keys(STOP_SIGNALS) as StopSignal[];

/** Signals that ask for a checkpoint and end nothing. Without a listener Node opens its debugger's port at the first. */
export const CHECKPOINT_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** A way to stop listening to signals. */
export interface Listening {
  /** A next SIGINT or SIGTERM finds the system's own handler, which ends the process even inside a native call. */
  standDown(): void;
  /** All are as they were before. */
  dispose(): void;
}

/**
 * Calls `stop` at the first of {@link STOP_SIGNALS}, and then stands down.
 *
 * @param hangup Whether SIGHUP is one of them; else it does nothing: see {@link ignoresHangup}.
 */
export function onStopSignal(stop: (signal: StopSignal) => void, hangup: boolean): Listening {
  let stopped = false;
  const listeners = STOP_NAMES.map((signal) => {
    const listener = () => {
      if (stopped || (signal === 'SIGHUP' && !hangup)) return;
      standDown();
      stop(signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  const remove = (which: (signal: StopSignal) => boolean) => {
    for (const { signal, listener } of listeners) {
      if (which(signal)) process.removeListener(signal, listener);
    }
  };
  const standDown = () => {
    stopped = true;
    remove((signal) => STOP_SIGNALS[signal].secondEndsAtOnce);
  };
  return { standDown, dispose: () => remove(() => true) };
}

/** Calls `ask` at each of {@link CHECKPOINT_SIGNALS}; gives back what ends that. */
export function onCheckpointSignal(ask: () => void): () => void {
  for (const signal of CHECKPOINT_SIGNALS) process.on(signal, ask);
  return () => {
    for (const signal of CHECKPOINT_SIGNALS) process.removeListener(signal, ask);
  };
}

/** What tells that this process was started with SIGHUP ignored. */
export interface HangupSigns {
  env?: Record<string, string | undefined>;
  /** A text like /proc/PID/status of the process that started this one. */
  parentStatus?: string;
  /** Standard input is /dev/null, opened for writing alone. */
  unreadableInput?: boolean;
}

/**
 * Whether this process was started with SIGHUP ignored, as `nohup` and `trap '' HUP` do it. Node puts every signal back to
 * its default before it runs a line of ours, so that the system can't say it any more. What is left are its signs: the
 * shell's word for what it started, a parent that ignores SIGHUP itself, and the input that `nohup` puts in a terminal's
 * place.
 */
export function ignoresHangup({
  env = process.env,
  parentStatus = systemText(`/proc/${process.ppid}/status`),
  unreadableInput = isUnreadableNull(),
}: HangupSigns = {}): boolean {
  const [, ignored = '0'] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(parentStatus) ?? [];
  return (
    unreadableInput || basename(env._ ?? '') === 'nohup' || (BigInt(`0x${ignored}`) & 1n) === 1n
  );
}

function isUnreadableNull(): boolean {
  try {
    const [, flags = '0'] =
      /^flags:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8')) ?? [];
    const mode = Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR);
    return mode === constants.O_WRONLY && fstatSync(0).rdev === statSync('/dev/null').rdev;
  } catch {
    return false;
  }
}
