import { RethinkError, readOr } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { hasExamples } from '../../record/examples.js';
import { readPredictions } from '../../record/runs.js';
import type { StoredPredictions } from '../../results/predictions.js';
import type { ReportRun } from '../runs.js';
import { ImageReader, type ImageShelf } from './images.js';
import { type ExampleSummary, summarizeExamples } from './summary.js';

/** What a page shows of single examples of a run. */
export interface RunExamples {
  run: ReportRun;
  predictions: StoredPredictions | null;
  summary: ExampleSummary | null;
  images: ImageShelf;
  /** Sentences on what could not be read, or is left out. */
  notes: string[];
}

/** The runs that are shown, and how many more have something to show. */
export interface PageExamples {
  runs: RunExamples[];
  leftOut: number;
}

/** Runs whose examples a page shows: those that recorded them first, then the newest. */
const MOST_RUNS = 12;
/** Wrong examples of a split that are shown. */
export const SHOWN_WRONG = 12;

/** Reads what runs that have ended say of their examples. What is damaged is told, not thrown. */
export async function readPageExamples(
  runs: readonly ReportRun[],
  dataDir: string | undefined,
  watching: Watching = {},
): Promise<PageExamples> {
  const ended = runs.filter(({ result }) => result !== null);
  const started = ({ environment }: ReportRun) => environment?.started ?? '';
  const able = ended
    .map((run) => ({ run, recorded: readOr(() => hasExamples(run.path), false) }))
    .filter(
      ({ run, recorded }) => recorded || readOr(() => readPredictions(run.path), null) !== null,
    )
    .sort(
      (a, b) =>
        Number(b.recorded) - Number(a.recorded) || (started(a.run) < started(b.run) ? 1 : -1),
    );
  const reader = new ImageReader(dataDir);
  const shown: RunExamples[] = [];
  let done = 0;
  const total = Math.min(MOST_RUNS, able.length);
  const turn = takingTurns(watching, 'reading examples', () => ({
    done,
    total,
    unit: 'runs' as const,
  }));
  for (const { run } of able.slice(0, MOST_RUNS)) {
    await turn();
    shown.push(await examplesOf(run, reader));
    done++;
  }
  return { runs: shown, leftOut: able.length - shown.length };
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
  const wrong = (split: 'train' | 'test') =>
    (predictions?.[split]?.wrong ?? []).slice(0, SHOWN_WRONG).map(({ index }) => index);
  const recorded = [
    ...(summary?.suspected ?? []),
    ...(summary?.first ?? []),
    ...(summary?.last ?? []),
  ];
  const images = await reader.draw(run, {
    train: [...wrong('train'), ...recorded.map(({ index }) => index)],
    test: wrong('test'),
  });
  if (images.note !== null) notes.push(images.note);
  return { run, predictions, summary, images, notes };
}
