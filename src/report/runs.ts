import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/resolve.js';
import { readJson } from '../disk/json.js';
import { Unchanged } from '../disk/unchanged.js';
import { RethinkError, readOr, tolerate } from '../errors.js';
import { inTurns, takingTurns, type Watching } from '../progress.js';
import { listRuns } from '../record/listing/listed.js';
import { parseWhere } from '../record/listing/where.js';
import { EpochRows, readStepColumns } from '../record/rows.js';
import { readConfig, readResult, readTheoryResult, searchRuns } from '../record/runs.js';
import { type CurrentState, readStatus, stateOf } from '../record/status.js';
import { keep, type Stored, type Tell, tellMissing } from '../results/stored.js';
import type { TheoryResult } from '../results/theory.js';
import { engine, type RunResult, type StoredEpochRow } from '../results/training.js';
import { LossCurve, type Losses } from './loss-curve.js';

const ENVIRONMENT = {
  rethink_gen: z.strictObject({
    version: z.string(),
    git: z.strictObject({ commit: z.string(), dirty: z.boolean() }).nullable(),
  }),
  started: z.string(),
  node: z.string(),
  os: z.string(),
  cpu: z.strictObject({ model: z.string(), cores: z.number() }),
  gpus: z.array(z.strictObject({ name: z.string() })),
  /** Missing before the engine is there. */
  engine: engine.nullable().optional(),
};

// Conditions are shown, never computed with: nothing of them is needed.
const environment = keep(ENVIRONMENT);

/** The conditions of a run's numbers as far as a report tells them: no host name, no command line. */
export type ReportEnvironment = Stored<z.output<z.ZodObject<typeof ENVIRONMENT>>, never>;

/** A run as far as it has come and can be read. */
export interface ReportRun extends CurrentState {
  /** Absolute. */
  path: string;
  config: Config;
  /** Of a training that has ended. */
  result: RunResult | null;
  /** Of an experiment of the theory that has ended. */
  theory: TheoryResult | null;
  /** Oldest first. */
  metrics: StoredEpochRow[];
  environment: ReportEnvironment | null;
  /** Of its steps, as far as they have one that is finite; `null` where none was written, or they are damaged. */
  losses(): Losses | null;
  /** A sentence for each file that is damaged, or lacks what this version would have written. */
  problems: string[];
}

/** A run directory of which not even the config can be read. */
export interface DamagedRun {
  path: string;
  problem: string;
}

/**
 * Reads every run at or below folders. What is damaged is told, not thrown.
 *
 * @param options.where Conditions that choose some of them: see `parseWhere`.
 * @throws RethinkError (`data`) where a folder is missing, or none of them holds a run.
 */
export async function readRuns(
  directories: readonly string[],
  now = Date.now(),
  { where = [], ...watching }: Watching & { where?: readonly string[] | undefined } = {},
): Promise<{ runs: ReportRun[]; damaged: DamagedRun[] }> {
  const found = await findChosen(directories, where, watching);
  const runs: ReportRun[] = [];
  const damaged: DamagedRun[] = [];
  let done = 0;
  const amount = () => ({ done, total: found.length, unit: 'runs' as const });
  const turn = takingTurns(watching, 'reading runs', amount);
  for (const { path } of found) {
    await turn();
    done++;
    const run = await new RunReader(path).read(now);
    if ('problem' in run) damaged.push(run);
    else runs.push(run);
  }
  return { runs, damaged };
}

/** What was read of a file, and what there is to say of it. */
interface Part<T> {
  value: T;
  problems: string[];
}

/** A run directory that is read again and again: of its files those that have changed, and of its tables the rows that have come. */
export class RunReader {
  private readonly unchanged = new Unchanged();
  private readonly rows: EpochRows;
  private readonly curve: LossCurve;
  private last: ReportRun | DamagedRun | undefined;

  constructor(readonly path: string) {
    this.rows = new EpochRows(path);
    this.curve = new LossCurve(path);
  }

  /** The run as far as it is now: the same object where nothing has changed. What is damaged is told, not thrown. */
  async read(now = Date.now()): Promise<ReportRun | DamagedRun> {
    const read = await this.readParts(now);
    this.last = this.last !== undefined && isSame(this.last, read) ? this.last : read;
    return this.last;
  }

  private async readParts(now: number): Promise<ReportRun | DamagedRun> {
    const { path } = this;
    const config = await this.unchanged.of(join(path, 'config.json'), () =>
      readConfig(path).catch(tolerate(({ message }) => message)),
    );
    if (typeof config === 'string') return { path, problem: config };
    const isTraining = config.experiment === 'train';
    // The figure of the losses reads the rows, and can only do without what it lacks.
    const steps = this.part('steps.csv', null, (tell) => {
      readStepColumns(path, tell);
      let read: Losses | null | undefined;
      return () => {
        read ??= this.curve.read();
        return read;
      };
    });
    const status = this.part('status.json', null, (tell) => readStatus(path, tell));
    const result = this.part('result.json', null, (tell) =>
      isTraining
        ? { result: readResult(path, tell), theory: null }
        : { result: null, theory: readTheoryResult(path, tell) },
    );
    const metrics = this.part('metrics.jsonl', [], (tell) => this.rows.read(tell));
    const environment = this.part('environment.json', null, (tell) => readEnvironment(path, tell));
    return {
      path,
      config,
      ...stateOf(path, status.value, now),
      ...(result.value ?? { result: null, theory: null }),
      metrics: metrics.value,
      losses: steps.value ?? noLosses,
      environment: environment.value,
      problems: [steps, status, result, metrics, environment].flatMap(({ problems }) => problems),
    };
  }

  private part<T, U>(name: string, instead: U, read: (tell: Tell) => T): Part<T | U> {
    return this.unchanged.of(join(this.path, name), () => {
      const problems: string[] = [];
      const tell = (sentence: string) => problems.push(sentence);
      return { value: readOr(() => read(tell), instead, tell), problems };
    });
  }
}

const noLosses = () => null;

function isSame(a: ReportRun | DamagedRun, b: ReportRun | DamagedRun): boolean {
  const parts = (run: object) =>
    Object.entries(run).map(([key, value]) => (key === 'problems' ? value.join('\n') : value));
  const [before, now] = [parts(a), parts(b)];
  return before.length === now.length && before.every((value, i) => Object.is(value, now[i]));
}

/** Run directories at or below folders, of which conditions may choose some. */
async function findChosen(
  directories: readonly string[],
  where: readonly string[],
  watching: Watching,
): Promise<{ path: string }[]> {
  const choose = parseWhere(where);
  const what = 'looking for runs';
  const found: { path: string }[] =
    where.length === 0
      ? await inTurns(searchRuns(directories), watching, what)
      : (await inTurns(listRuns(directories), watching, what)).runs.filter(choose);
  if (found.length > 0) return found;
  const meant = where.length === 0 ? '' : ` with ${where.join(' and ')}`;
  throw new RethinkError('data', `There is no run${meant} at or below ${directories.join(', ')}.`, {
    hint:
      where.length === 0
        ? 'A run directory has a config.json: rethink-gen run makes one below its --out, by default results.'
        : 'rethink-gen runs lists those that there are.',
  });
}

/** Missing in a run that has not begun to train, and no number depends on it. */
function readEnvironment(path: string, tell: Tell): ReportEnvironment | null {
  const file = join(path, 'environment.json');
  const read = readOr(() => readJson(file, environment.schema), null);
  if (read !== null) tellMissing(file, environment.missing(read), tell);
  return read;
}

/** After the last evaluated epoch, against true labels; nothing where it is not known. */
export function testError(run: ReportRun): number | undefined {
  const accuracy = lastRow(run)?.test_accuracy;
  return accuracy === undefined ? undefined : 1 - accuracy;
}

/** The same of the training set, against the labels trained on. */
export function trainError(run: ReportRun): number | undefined {
  const accuracy = lastRow(run)?.train_accuracy;
  return accuracy === undefined ? undefined : 1 - accuracy;
}

/** The last evaluated epoch; `null` before the first. */
export function lastRow({ result, metrics }: ReportRun): StoredEpochRow | null {
  return result?.last ?? metrics.at(-1) ?? null;
}
