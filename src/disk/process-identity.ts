import { readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';
import { hostName } from '../machine/host.js';
import { errorCode } from './errors.js';

/** Which process it is, in a way that neither a reused process id nor a reboot can imitate. */
export const processIdentitySchema = z.object({
  pid: z.int().min(1),
  host: z.string().max(255),
  /** Clock ticks from the machine's boot to the process's start, with the boot's own id; `null` outside Linux. */
  started: z.string().max(100).nullable(),
  /** Process ids of one container mean nothing in another, even on one host; `null` outside Linux. */
  namespace: z.string().max(100).nullable(),
});
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** This process. */
export function thisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    host: hostName(),
    started: startOf(process.pid),
    namespace: pidNamespace(),
  };
}

/** Whether a process runs; `elsewhere` is on another host or in another container, where it can't be known from here. */
export type Liveness = 'alive' | 'dead' | 'elsewhere';

/** Whether the very process that `identity` describes still runs, as far as can be seen from here. */
export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.host !== hostName()) return 'elsewhere';
  if (identity.namespace !== pidNamespace()) return rebooted(identity) ? 'dead' : 'elsewhere';
  if (!exists(identity.pid)) return 'dead';
  return identity.started === startOf(identity.pid) ? 'alive' : 'dead';
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but belongs to someone else.
    return errorCode(error) === 'EPERM';
  }
}

/** `<boot id>/<ticks>`; `null` where there is no /proc, `dead` for a process that ended but was not yet waited for. */
function startOf(pid: number): string | null {
  const boot = bootId();
  if (boot === null) return null;
  try {
    // The command, in brackets, can hold anything; the fields after it are the state, then 18 others, then the start.
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : `${boot}/${fields[19]}`;
  } catch {
    return 'dead';
  }
}

/** A namespace does not outlive the boot of its host, whatever containers there are. */
function rebooted({ started }: ProcessIdentity): boolean {
  const boot = bootId();
  return boot !== null && started !== null && !started.startsWith(`${boot}/`);
}

function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}
