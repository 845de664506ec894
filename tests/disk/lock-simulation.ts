import { Lock, type LockWorld } from '../../src/disk/lock.js';
import type { HolderRecord, LockFiles, SeenHolder } from '../../src/disk/lock-folder.js';
import type { ProcessIdentity } from '../../src/disk/process-identity.js';

/**
 * Several processes on several machines that want one run directory, on a disk and with clocks that are simulated: every
 * operation of the disk is indivisible, and takes effect late. Processes stop for minutes, die, come back, and are declared
 * dead by a scheduler while they live. All of it is drawn from a seed.
 */

/** Epochs that the run has. */
const EPOCHS = 5;
const HOSTS = 2;
/** Nobody is given up before: what is left then ends without disturbance. */
const CALM_AFTER = 3_000_000;
const END = 6_000_000;

/** A 32-bit generator (mulberry32): a schedule draws thousands of numbers, and none of them goes into a result. */
function drawFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a file holds, apart from its name: who has it open keeps it when another takes its place. */
interface Inode {
  epochs: number[];
}

interface Temporary {
  checkpoint: number;
}

class Disk {
  lock: { file: string; record: HolderRecord; size: number } | null = null;
  table: Inode = { epochs: [] };
  checkpoint = 0;
  status: 'running' | 'finished' | 'interrupted' = 'running';
  readonly temporaries = new Set<Temporary>();
}

interface Event {
  at: number;
  run: () => void;
}

export interface Faults {
  /** Leave out the look at the lock between opening and changing. */
  withoutConfirm?: boolean;
  /** Go on in the files that the last holder may have open. */
  withoutRenewal?: boolean;
}

export interface Outcome {
  /** What must never be. */
  violations: string[];
  /** How often a holder was replaced that was still alive. */
  takeovers: number;
  finished: boolean;
}

/** Runs one schedule to its end. */
export async function simulate(seed: number, faults: Faults = {}): Promise<Outcome> {
  return await new Simulation(seed, faults).run();
}

class Simulation {
  readonly draw: () => number;
  readonly disk = new Disk();
  readonly violations: string[] = [];
  takeovers = 0;
  /** Whoever has the run as far as the protocol says: nobody else may change what it has opened. */
  owner: Process | null = null;
  private time = 0;
  private readonly events: Event[] = [];
  private readonly processes: Process[] = [];

  constructor(
    seed: number,
    readonly faults: Faults,
  ) {
    this.draw = drawFrom(seed);
  }

  async run(): Promise<Outcome> {
    const count = 2 + Math.floor(this.draw() * 3);
    for (let i = 0; i < count; i++) this.start(Math.floor(this.draw() * 200_000));
    while (this.events.length > 0 && this.time < END) {
      const next = this.pop();
      this.time = next.at;
      next.run();
      // All that follows from it at this instant.
      await new Promise(setImmediate);
    }
    const { disk } = this;
    const whole = Array.from({ length: EPOCHS }, (_, i) => i + 1).join();
    const finished = disk.status === 'finished';
    if (finished && disk.table.epochs.join() !== whole) {
      this.violations.push(`the table is ${disk.table.epochs.join()}`);
    }
    return { violations: this.violations, takeovers: this.takeovers, finished };
  }

  get now(): number {
    return this.time;
  }

  get calm(): boolean {
    return this.time > CALM_AFTER;
  }

  at(ms: number, run: () => void): void {
    // Sorted by time, and of one instant in order.
    let i = this.events.length;
    while (i > 0 && this.events[i - 1]!.at < ms) i--;
    this.events.splice(i, 0, { at: ms, run });
  }

  start(after: number): void {
    this.at(this.time + after, () => {
      const process = new Process(this, this.processes.length);
      this.processes.push(process);
      process.live();
    });
  }

  processOf(pid: number): Process {
    return this.processes[pid - 1]!;
  }

  private pop(): Event {
    return this.events.pop()!;
  }
}

class Lost extends Error {}

class Process {
  alive = true;
  readonly host: number;
  private readonly rate: number;
  private stoppedUntil = 0;
  private locks = 0;

  constructor(
    private readonly world: Simulation,
    private readonly index: number,
  ) {
    this.host = Math.floor(world.draw() * HOSTS);
    // Clocks differ, and are never compared.
    this.rate = 0.8 + 0.4 * world.draw();
  }

  live(): void {
    this.work().then(
      () => {},
      (error: unknown) => this.world.violations.push(`process ${this.index}: ${String(error)}`),
    );
  }

  /** Tries to get the run and to end it, some times over. */
  private async work(): Promise<void> {
    for (let session = 0; session < 40; session++) {
      if (this.world.disk.status === 'finished') return;
      try {
        await this.session();
      } catch (error) {
        const kind = (error as { kind?: string }).kind;
        if (!(error instanceof Lost) && kind !== 'busy' && kind !== 'lost') throw error;
      }
      await this.sleep(60_000 * this.world.draw());
    }
  }

  /** What `RunDirectory` and the training loop do. */
  private async session(): Promise<void> {
    const { disk, faults } = this.world;
    const lock = await Lock.acquire('run', {}, this.files(), this.lockWorld());
    const confirm = () => {
      if (!faults.withoutConfirm) lock.confirm();
    };
    await this.does(() => disk.temporaries.clear());
    const mayWakeUp = disk.status === 'running' && lock.predecessor !== 'dead';
    if (mayWakeUp && !faults.withoutRenewal) {
      const copy = await this.does(() => ({ epochs: [...disk.table.epochs] }));
      await this.replace(copy, confirm, () => {
        disk.table = copy;
        this.own();
      });
    } else {
      await this.does(() => {
        lock.confirm();
        this.own();
      });
    }
    await this.setStatus('running', confirm);
    const from = await this.does(() => disk.checkpoint);
    const cut = await this.does(() => disk.table);
    await this.change(cut, confirm, () => {
      cut.epochs = cut.epochs.filter((epoch) => epoch <= from);
    });
    for (let epoch = from + 1; epoch <= EPOCHS; epoch++) {
      await this.sleep(10_000 * this.world.draw());
      const table = await this.does(() => disk.table);
      await this.change(table, confirm, () => table.epochs.push(epoch));
      const written = { checkpoint: epoch };
      await this.replace(written, confirm, () => {
        this.check(true, `wrote checkpoint ${epoch}`);
        disk.checkpoint = epoch;
      });
      if (!this.world.calm && this.world.draw() < 0.05) return await this.end('interrupted', lock);
    }
    await this.end('finished', lock);
  }

  private async end(state: 'finished' | 'interrupted', lock: Lock): Promise<void> {
    await this.setStatus(state, () => lock.confirm());
    lock.release();
  }

  private setStatus(state: Disk['status'], confirm: () => void): Promise<void> {
    const { disk } = this.world;
    return this.replace({ checkpoint: 0 }, confirm, () => {
      this.check(true, `said ${state}`);
      disk.status = state;
    });
  }

  private own(): void {
    const { world } = this;
    if (world.owner?.alive && world.owner !== this) world.takeovers++;
    world.owner = this;
  }

  /** Changes a file that is open. */
  private async change(inode: Inode, confirm: () => void, change: () => void): Promise<void> {
    await this.does(confirm);
    await this.does(() => {
      this.check(inode === this.world.disk.table, 'changed the table');
      change();
    });
  }

  /** Puts something written in the place of a file: fails where its temporary file was removed. */
  private async replace(what: object, confirm: () => void, rename: () => void): Promise<void> {
    const temporary = what as Temporary;
    const { temporaries } = this.world.disk;
    await this.does(() => temporaries.add(temporary));
    await this.does(confirm);
    await this.does(() => {
      if (!temporaries.delete(temporary)) throw new Lost('its temporary file is gone');
      rename();
    });
  }

  private check(counts: boolean, what: string): void {
    const { owner, violations } = this.world;
    if (counts && owner !== this)
      violations.push(`process ${this.index} ${what}, and isn't the owner`);
  }

  /** One operation of the disk. */
  private async does<T>(operation: () => T): Promise<T> {
    await this.sleep(this.delay());
    const done = operation();
    await this.sleep(this.delay());
    return done;
  }

  private delay(): number {
    const { draw, calm } = this.world;
    const kind = calm ? 0.5 : draw();
    if (kind < 0.004) this.die();
    if (kind < 0.014) this.stoppedUntil = this.world.now + 300_000 * draw();
    return kind < 0.03 ? 60_000 * draw() : 20 * draw();
  }

  private die(): void {
    this.alive = false;
    // Somebody starts the run again, somewhere.
    this.world.start(100_000 * this.world.draw());
  }

  /** By this process's own clock; never returns to one that has died. */
  private sleep(ms: number): Promise<void> {
    const { world } = this;
    return new Promise((resolve) => {
      const wake = () => {
        if (!this.alive) return;
        if (this.stoppedUntil > world.now) world.at(this.stoppedUntil, wake);
        else resolve();
      };
      world.at(world.now + ms / this.rate, wake);
    });
  }

  private identity(): ProcessIdentity {
    const job = {
      scheduler: 'slurm',
      cluster: 'c',
      id: String(this.index + 1),
      restart: 0,
    } as const;
    return { pid: this.index + 1, host: `h${this.host}`, started: null, namespace: null, job };
  }

  private lockWorld(): LockWorld {
    const { world } = this;
    return {
      identity: () => this.identity(),
      liveness: ({ pid, host }) => {
        if (host !== `h${this.host}`) return 'elsewhere';
        return world.processOf(pid).alive ? 'alive' : 'dead';
      },
      // A scheduler gives up a node that nobody reaches, where a process may live on.
      hasEnded: async ({ id }) => !world.processOf(Number(id)).alive || world.draw() < 0.02,
      now: () => world.now * this.rate,
      sleep: (ms) => this.sleep(ms),
      keepBeating: (file, ms) => {
        let beating = true;
        const beat = async () => {
          while (beating) {
            await this.sleep(ms);
            await this.does(() => {
              if (beating && world.disk.lock?.file === file) world.disk.lock.size++;
            });
          }
        };
        void beat();
        return () => {
          beating = false;
        };
      },
    };
  }

  private files(): LockFiles {
    const { disk } = this.world;
    const file = `${this.index}/${this.locks++}`;
    let prepared: HolderRecord;
    return {
      file,
      prepare: (record) =>
        this.does(() => {
          prepared = record;
        }),
      place: () =>
        this.does(() => {
          if (disk.lock !== null) return false;
          disk.lock = { file, record: prepared, size: 1 };
          return true;
        }),
      discard: () => {},
      look: () =>
        this.does((): SeenHolder | null => {
          const { lock } = disk;
          return lock && { file: lock.file, holder: lock.record, size: lock.size };
        }),
      remove: (of) =>
        this.does(() => {
          if (disk.lock?.file === of) disk.lock = null;
        }),
      owns: () => disk.lock?.file === file,
    };
  }
}
