import { readFileSync, readlinkSync } from 'node:fs';
import { z } from 'zod';
import { hostName } from '../machine/host.js';
import { jobOf, jobSchema } from '../machine/scheduler.js';
import { errorCode } from './errors.js';

/** Which process it is, in a way that neither a reused process id nor a reboot can imitate. */
export const processIdentitySchema = z.object({
  pid: z.int().min(1),
  host: z.string().max(255),
  /** Clock ticks from the machine's boot to the process's start, with the boot's own id; `null` outside Linux. */
  started: z.string().max(100).nullable(),
  /** Process ids of one container mean nothing in another, even on one host; `null` outside Linux. */
  namespace: z.string().max(100).nullable(),
  /** The scheduler's job that it is in; earlier versions didn't say. */
  job: jobSchema.nullish().catch(null),
});
export type ProcessIdentity = z.output<typeof processIdentitySchema>;

/** This process. */
export function thisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    host: hostName(),
    started: startOf(process.pid),
    namespace: pidNamespace(),
    job: jobOf(),
  };
}

/** A process for people: `process 12 on nodeA (job 12_3)`. */
export function toldProcess({ pid, host, job }: ProcessIdentity): string {
  return `process ${pid} on ${host}${job ? ` (job ${job.id})` : ''}`;
}

/**
 * Whether a process runs. `elsewhere`: under another host name, another boot or in another container, where its id means
 * nothing here. Two machines may have one name, so another boot of "this" machine is no sign that a process is gone.
 */
export type Liveness = 'alive' | 'dead' | 'elsewhere';

/** Whether the very process that `identity` describes still runs, as far as can be seen from here. */
export function livenessOf(identity: ProcessIdentity): Liveness {
  const { host, namespace, pid, started } = identity;
  const here = host === hostName() && namespace === pidNamespace() && isOfThisBoot(started);
  if (!here) return 'elsewhere';
  return exists(pid) && started === startOf(pid) ? 'alive' : 'dead';
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

function isOfThisBoot(started: string | null): boolean {
  const boot = bootId();
  return boot === null ? started === null : started?.startsWith(`${boot}/`) === true;
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
