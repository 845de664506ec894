import { isThere } from '../../disk/reading.js';
import { RethinkError, readOr } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { hasExamples } from '../../record/examples.js';
import { hasMemorization } from '../../record/memorization.js';
import { predictionsPath, readPredictions } from '../../record/runs.js';
import type { StoredPredictions } from '../../results/predictions.js';
import type { ReportRun } from '../runs.js';
import { ImageReader, type ImageShelf } from './images.js';
import { LearnedReader, type LearnedRun } from './learned.js';
import { type MemorizationSummary, summarizeMemorization } from './memorization.js';
import { type ExampleSummary, summarizeExamples } from './summary.js';

/** What a page shows of single examples of a run. */
export interface RunExamples {
  run: ReportRun;
  predictions: StoredPredictions | null;
  summary: ExampleSummary | null;
  /** Of `experiment: memorization`. */
  memorization: MemorizationSummary | null;
  images: ImageShelf;
  /** Sentences on what could not be read, or is left out. */
  notes: string[];
}

/** The runs that are shown, and how many more have something to show. */
export interface PageExamples {
  runs: RunExamples[];
  leftOut: number;
  /** Of all runs that stand beside others with other corruption, not only of those that are shown. */
  learned: LearnedRun[];
  /** Sentences on what of these could not be read. */
  notes: string[];
}

/** Runs whose examples a page shows: those that recorded them first, then the newest. */
const MOST_RUNS = 12;
/** Of these, runs that figures are drawn of. */
export const FIGURED_RUNS = 4;
/** Wrong examples of a split that are shown. */
export const SHOWN_WRONG = 12;

/** Reads what runs that have ended say of their examples; again and again, where a page is kept up to date. */
export class PageExamplesReader {
  /** By path, as long as the run's result is the same. */
  private known = new Map<string, RunExamples>();
  private readonly learned = new LearnedReader();

  constructor(private readonly dataDir: string | undefined) {}

  /** Of runs that have been read before, the same objects. What is damaged is told, not thrown. */
  async read(runs: readonly ReportRun[], watching: Watching = {}): Promise<PageExamples> {
    const able = showable(runs);
    const chosen = able.slice(0, MOST_RUNS);
    const known = chosen.flatMap((run) => this.knownOf(run) ?? []);
    // It holds data sets: no longer than it takes to draw what is new.
    const reader = new ImageReader(
      this.dataDir,
      known.reduce((sum, { images }) => sum + images.bytes, 0),
    );
    const shown: RunExamples[] = [];
    const amount = () => ({ done: shown.length, total: chosen.length, unit: 'runs' as const });
    const turn = takingTurns(watching, 'reading examples', amount);
    for (const run of chosen) {
      await turn();
      shown.push(this.knownOf(run) ?? (await examplesOf(run, reader)));
    }
    this.known = new Map(shown.map((examples) => [examples.run.path, examples]));
    const { runs: learned, notes } = await this.learned.read(runs, watching);
    return { runs: shown, leftOut: able.length - shown.length, learned, notes };
  }

  private knownOf(run: ReportRun): RunExamples | undefined {
    const found = this.known.get(run.path);
    return found && endOf(found.run) === endOf(run) ? found : undefined;
  }
}

const endOf = ({ result, theory }: ReportRun) => result ?? theory;

/** Runs that have ended with something to show: those with recorded examples or their scores first, then the newest. */
function showable(runs: readonly ReportRun[]): ReportRun[] {
  const started = ({ environment }: ReportRun) => environment?.started ?? '';
  return runs
    .filter((run) => endOf(run) !== null)
    .map((run) => ({
      run,
      recorded: readOr(() => hasExamples(run.path) || hasMemorization(run.path), false),
    }))
    .filter(
      ({ run, recorded }) => recorded || readOr(() => isThere(predictionsPath(run.path)), false),
    )
    .sort(
      (a, b) =>
        Number(b.recorded) - Number(a.recorded) || (started(a.run) < started(b.run) ? 1 : -1),
    )
    .map(({ run }) => run);
}

async function examplesOf(run: ReportRun, reader: ImageReader): Promise<RunExamples> {
  const notes: string[] = [];
  const tolerant = <T>(read: () => T) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RethinkError)) throw error;
      notes.push(error.message);
      return null;
    }
  };
  const predictions = tolerant(() => readPredictions(run.path));
  const read = tolerant(() => summarizeExamples(run.path));
  if (typeof read === 'string') notes.push(read);
  const summary = typeof read === 'string' ? null : read;
  const memorization = tolerant(() => summarizeMemorization(run.path));
  const wrong = (split: 'train' | 'test') =>
    (predictions?.[split]?.wrong ?? []).slice(0, SHOWN_WRONG).map(({ index }) => index);
  const recorded = [
    ...(summary?.suspected ?? []),
    ...(summary?.first ?? []),
    ...(summary?.last ?? []),
    ...(memorization?.most ?? []),
    ...(memorization?.unchanged ?? []),
    ...(memorization?.pairs ?? []).map(({ train }) => train),
  ];
  const images = await reader.draw(run, {
    train: [...wrong('train'), ...recorded.map(({ index }) => index)],
    test: [...wrong('test'), ...(memorization?.pairs ?? []).map(({ test }) => test.index)],
  });
  if (images.note !== null) notes.push(images.note);
  return { run, predictions, summary, memorization, images, notes };
}
