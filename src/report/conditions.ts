import { deviceName } from '../engines/devices.js';
import { isTheoryResult } from '../results/theory.js';
import type { Outcome } from '../results/training.js';
import { counted, grouped } from '../text.js';
import type { ReportRun } from './runs.js';

/**
 * The conditions of a number in a few words: they stand beside it wherever it is shown.
 *
 * @param open What the paper leaves open, as it was chosen.
 */
export function conditions(runs: readonly ReportRun[], open: readonly string[] = []): string {
  const parts = [
    runs.length > 1 ? `${runs.length} seeds` : `seed ${runs[0]?.config.seed}`,
    ...distinct(runs, ({ result, theory }) => {
      const data = (result ?? theory)?.data;
      return (
        data && `${grouped(data.train)} + ${grouped(data.test)} images (${data.origin ?? '–'})`
      );
    }),
    ...distinct(
      runs,
      ({ result, metrics }) => {
        const epochs = result?.epochs ?? metrics.at(-1)?.epoch;
        return epochs === undefined ? undefined : String(epochs);
      },
      (epochs) => `${epochs} ${epochs === '1' ? 'epoch' : 'epochs'}`,
    ),
    ...distinct(runs, engineText),
    ...distinct(runs, machineOf),
    ...distinct(
      runs,
      ({ result, theory }) => (result ?? theory)?.data?.hash?.slice(0, 8),
      (hashes) => `data ${hashes}`,
    ),
    ...distinct(runs, versionOf, (versions) => `rethink-gen ${versions}`),
    ...(open.length > 0 ? [`open in the paper: ${open.join(', ')}`] : []),
  ];
  return parts.join('; ');
}

/** Training images of runs: `2,000`, or `500–2,000` where they differ; a dash where nobody can tell. */
export function imagesOf(runs: readonly ReportRun[]): string {
  const counts = runs.flatMap(({ result, theory }) => (result ?? theory)?.data?.train ?? []);
  if (counts.length === 0) return '–';
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? grouped(most) : `${grouped(least)}–${grouped(most)}`;
}

/** When the last numbers of a training were measured, by what became of it. */
const TAKEN: Record<Outcome, string> = {
  fitted: 'when fitted',
  finished: 'last epoch',
  diverged: 'before it diverged',
  interrupted: 'so far',
};

/** When the last numbers of trainings were measured: `last epoch`, `when fitted` … */
export function takenAt(runs: readonly ReportRun[]): string {
  return [...new Set(runs.map(({ result }) => TAKEN[result?.outcome ?? 'interrupted']))].join(', ');
}

/** What a claim's number is of: `n = 2,000, 3 seeds`. */
export function sampleText(runs: readonly ReportRun[]): string {
  return `n = ${imagesOf(runs)}, ${counted(runs.length, 'seed')}`;
}

/** `tensorflow 2.21.0, cpu, float32, compiled, 2 threads`; JavaScript has no more than a name and a precision. */
function engineText(run: ReportRun): string | undefined {
  const told = engineOf(run);
  if (told === undefined) return undefined;
  const { name, precision, device, mode, threads } = told;
  return [name, device, precision, mode, threads].filter((part) => part !== undefined).join(', ');
}

interface ToldEngine {
  name: string;
  precision: string;
  device?: string;
  mode?: string;
  /** Of a processor. */
  threads?: string;
}

/** What has computed a run, in words; nothing where nobody knows yet. */
export function engineOf({ result, theory, environment }: ReportRun): ToldEngine | undefined {
  const ended = result ?? theory;
  const engine = ended === null ? environment?.engine : ended.engine;
  if (engine === undefined) return undefined;
  if (engine === null) return { name: 'JavaScript', precision: 'float64' };
  const { name = '', version = '', device, devices, mode = '–', threads } = engine;
  // An experiment of the theory may count in another precision than its engine would train in.
  const { precision = '–' } = ended !== null && isTheoryResult(ended) ? ended : engine;
  return {
    name: `${name} ${version}`,
    precision,
    device: device === undefined ? '–' : deviceName({ device, devices }),
    mode,
    ...(device === 'cpu' && {
      threads: threads === undefined ? 'all threads' : counted(threads, 'thread'),
    }),
  };
}

/** `8 × AMD EPYC 9354`: cores and name of a run's processor; its GPU is the engine's device. */
export function machineOf({ environment }: ReportRun): string | undefined {
  const { cores, model } = environment?.cpu ?? {};
  return model === undefined ? undefined : `${cores ?? '–'} × ${model}`;
}

/** `0.1.0 (1a2b3c4d)`, with the commit where it ran from a checkout. */
export function versionOf({ environment }: ReportRun): string | undefined {
  if (environment === null) return undefined;
  const { version, git } = environment.rethink_gen ?? {};
  if (!git?.commit) return version;
  return `${version ?? '–'} (${git.commit.slice(0, 8)}${git.dirty ? ', changed' : ''})`;
}

/** More values than these are told by their number. */
const MOST_TOLD = 3;

function distinct(
  runs: readonly ReportRun[],
  value: (run: ReportRun) => string | undefined,
  tell = (values: string) => values,
): string[] {
  const values = [...new Set(runs.map(value).filter((given) => given !== undefined))];
  if (values.length === 0) return [];
  const numeric = values.every((given) => /^\d+$/.test(given));
  if (numeric && values.length > 1) {
    const numbers = values.map(Number);
    return [tell(`${Math.min(...numbers)}–${Math.max(...numbers)}`)];
  }
  return [
    tell(
      values.length <= MOST_TOLD
        ? values.join(' / ')
        : `${values.slice(0, 2).join(' / ')} and ${values.length - 2} more`,
    ),
  ];
}
