import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Random } from '../../src/random.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { differences, type Outcome, outcomeOf } from './outcome.js';
import { commandLine, type Ended, type Kill, runDirectories } from './process.js';

/** What a series of kills came to. */
export interface Figures {
  kills: number;
  /** Of these, kills of a process that was itself resuming. */
  duringResume: number;
  /** Kills that came before there was a run directory: nothing to resume, and nothing in the way of a new run. */
  beforeDirectory: number;
  /** Runs that were compared with the undisturbed one. */
  compared: number;
  differences: string[];
  /** Run directories that `resume` or a reader refused. */
  unreadable: string[];
}

/** A folder with a config and data so small that a run takes little more than a process's start. */
export class CrashHarness {
  readonly figures: Figures = {
    kills: 0,
    duringResume: 0,
    beforeDirectory: 0,
    compared: 0,
    differences: [],
    unreadable: [],
  };
  /** Write boundaries of an undisturbed run, and how long it took. */
  boundaries = 0;
  seconds = 0;
  /** Of these, from its run directory on. */
  secondsInDirectory = 0;
  /** What the undisturbed run left. */
  expected: Outcome = {};
  private trials = 0;

  private constructor(
    readonly folder: string,
    private readonly engine: string,
  ) {}

  /** Makes the data, runs once undisturbed and remembers what that leaves. */
  static async start(engine: string, epochs: number): Promise<CrashHarness> {
    // The hook is loaded before the command line compiles what has changed.
    execFileSync(process.execPath, ['bin/rethink-gen.js', '--version']);
    const folder = temporaryFolder();
    const harness = new CrashHarness(folder, engine);
    await harness.prepare(epochs);
    const out = join(folder, 'undisturbed');
    const count = join(folder, 'boundaries');
    const ended = await harness.run(out, { env: { BOUNDARIES: count } });
    if (ended.code !== 0) throw new Error(`the undisturbed run failed: ${ended.stderr}`);
    harness.expected = outcomeOf(runDirectories(out)[0]!);
    harness.boundaries = Number(readFileSync(count, 'utf8'));
    harness.seconds = ended.seconds;
    harness.secondsInDirectory = Math.max(0.2, ended.seconds - (await harness.startUp()));
    return harness;
  }

  /** Kills a run at a boundary, resumes it and compares. */
  async killAtBoundary(boundary: number): Promise<void> {
    await this.trial(`killed at boundary ${boundary}`, [{ boundary }]);
  }

  /** Kills a run at a random instant, and each resume of it with probability 1/3 again, at an instant or a boundary. */
  async killAtRandom(random: Random): Promise<void> {
    const kills: Kill[] = [this.instant(random, random.uniform() < 0.5 ? 'start' : 'directory')];
    while (random.uniform() < 1 / 3) {
      const boundary = 1 + random.integer(this.boundaries);
      kills.push(random.uniform() < 0.5 ? { boundary } : this.instant(random, 'start'));
    }
    await this.trial(`killed ${JSON.stringify(kills)}`, kills);
  }

  /**
   * Sends a signal at a random instant after the run directory is there, resumes where that ended the run, and compares.
   *
   * @returns The exit code of the process that got the signal; `null` where the signal itself ended it.
   */
  async signalAtRandom(random: Random, signal: NodeJS.Signals): Promise<number | null> {
    const kill = { ...this.instant(random, 'directory'), signal };
    const out = join(this.folder, `trial-${++this.trials}`);
    const { code } = await this.run(out, { kill });
    await this.finish(`sent ${JSON.stringify(kill)}`, out);
    rmSync(out, { recursive: true, force: true });
    return code;
  }

  private instant(random: Random, from: 'start' | 'directory'): Kill {
    const span = from === 'start' ? this.seconds : this.secondsInDirectory;
    return { after: 1000 * span * random.uniform(), from };
  }

  private async trial(when: string, kills: Kill[]): Promise<void> {
    const { figures } = this;
    const out = join(this.folder, `trial-${++this.trials}`);
    for (const kill of kills) {
      const [runDir] = runDirectories(out);
      const ended = await (runDir === undefined
        ? this.run(out, { kill })
        : this.resume(out, runDir, { kill }));
      if (ended.signal === 'SIGKILL') {
        figures.kills++;
        if (runDir !== undefined) figures.duringResume++;
        else if (runDirectories(out).length === 0) figures.beforeDirectory++;
      } else if (ended.code !== 0) figures.unreadable.push(`${when}: ${ended.stderr}`);
    }
    await this.finish(when, out);
    rmSync(out, { recursive: true, force: true });
  }

  private async finish(when: string, out: string): Promise<void> {
    const { figures } = this;
    const [runDir, second] = runDirectories(out);
    if (second !== undefined) figures.differences.push(`${when}: a second run directory`);
    const ended = await (runDir === undefined ? this.run(out) : this.resume(out, runDir));
    try {
      if (ended.code !== 0) throw new Error(ended.stderr);
      const outcome = outcomeOf(runDirectories(out)[0]!);
      const found = differences(outcome, this.expected);
      figures.compared++;
      figures.differences.push(...found.map((text) => `${when}: ${text}`));
    } catch (error) {
      figures.unreadable.push(`${when}: ${error}`);
    }
  }

  /** Starts a run under this root. */
  run(out: string, options: Start = {}): Promise<Ended> {
    const config = join(this.folder, 'crash.json');
    return commandLine(['run', config, '--out', out], { ...options, out });
  }

  /** Goes on with a run. */
  resume(out: string, runDir: string, options: Start = {}): Promise<Ended> {
    return commandLine(['resume', runDir], { ...options, out });
  }

  /** Seconds until an undisturbed run has its run directory: those of a run killed when it appears. */
  private async startUp(): Promise<number> {
    const out = join(this.folder, 'start-up');
    const { seconds } = await this.run(out, { kill: { after: 0, from: 'directory' } });
    return seconds;
  }

  private async prepare(epochs: number): Promise<void> {
    const data = join(this.folder, 'data');
    for (const [split, count] of [
      ['train', 16],
      ['test', 4],
    ] as const) {
      for (let i = 0; i < 3 * count; i++) {
        const folder = join(data, split, `class-${i % 3}`);
        mkdirSync(folder, { recursive: true });
        const raw = { width: 8, height: 8, channels: 3 } as const;
        const pixels = Uint8Array.from({ length: 192 }, (_, at) => (at * 7 + i * 31) % 256);
        writeFileSync(join(folder, `${i}.png`), await sharp(pixels, { raw }).png().toBuffer());
      }
    }
    const config = {
      name: 'crash',
      data: { name: 'imagetree', dir: data, size: 8 },
      corruption: 'random-labels',
      model: { name: 'mlp', hidden: [8] },
      regularization: { dropout: 0.2, augment: 'full' },
      train: { epochs, batchSize: 8, learningRate: 0.01, stop: 'never' },
      engine: { name: this.engine, threads: 1 },
      record: { examples: true },
    };
    writeFileSync(join(this.folder, 'crash.json'), JSON.stringify(config));
  }
}

type Start = Pick<Parameters<typeof commandLine>[1], 'kill' | 'env'>;
