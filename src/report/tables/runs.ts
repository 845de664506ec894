import { relative, sep } from 'node:path';
import { dataLabel } from '../../config/datasets.js';
import { optimizerLabel } from '../../config/optimizer.js';
import { trainsNetwork } from '../../config/theory.js';
import { grouped } from '../../text.js';
import { conditions, engineOf, machineOf, versionOf } from '../conditions.js';
import { corruptionLabel, lossLabel, modelLabel, regularizerLabel } from '../describe.js';
import { failedToFit, fitTime } from '../fit.js';
import { groupBy } from '../groups.js';
import { type DamagedRun, lastRow, type ReportRun } from '../runs.js';
import type { Table } from './types.js';

/** Every run with what became of it; the first cell is its directory, relative to the page. */
export function runsTable(runs: readonly ReportRun[], folder: string): Table {
  return {
    id: 'runs',
    title: 'Runs',
    note: 'Accuracies in percent: last epoch, and the best epoch by test accuracy. Fitted: first evaluation with 95 % of the training set.',
    columns: [
      'run',
      'what',
      'state',
      'train',
      'test',
      'best test',
      'fitted at step',
      'label noise',
      'conditions',
    ],
    rows: runs.map((run) => ({
      cells: [
        relativePath(folder, run.path),
        whatOf(run),
        stateText(run),
        ...numbers(run),
        conditions([run]),
      ],
    })),
  };
}

/** Directories of which not even the config can be read, and files that are damaged in others. */
export function damageTable(
  runs: readonly ReportRun[],
  damaged: readonly DamagedRun[],
  folder: string,
): Table {
  const problems = [
    ...damaged.map(({ path, problem }) => [path, problem] as const),
    ...runs.flatMap(({ path, problems }) => problems.map((problem) => [path, problem] as const)),
  ];
  return {
    id: 'damaged',
    title: 'Damaged or half-written run directories, and what other versions left out',
    note: 'What could be read of them is shown above.',
    columns: ['run', 'what is wrong'],
    rows: problems.map(([path, problem]) => ({ cells: [relativePath(folder, path), problem] })),
  };
}

/** The machines and versions that the numbers come from. */
export function environmentTable(runs: readonly ReportRun[]): Table {
  const described = runs.filter(({ environment }) => environment !== null);
  const machines = groupBy(described, (run) => JSON.stringify(environmentCells(run)));
  return {
    id: 'environment',
    title: 'Machines and versions',
    note: '',
    columns: [
      ...['rethink-gen', 'Node.js', 'system', 'processor', 'GPU'],
      ...['engine', 'precision', 'threads', 'runs'],
    ],
    rows: [...machines.values()].map((members) => ({
      cells: [...environmentCells(members[0]!), String(members.length)],
    })),
  };
}

function environmentCells(run: ReportRun): string[] {
  const { node = '–', os = '–', gpus } = run.environment!;
  const graphics = gpus?.map(({ name }) => name).join(', ') || (gpus ? 'none' : '–');
  const { name, precision, threads } = engineOf(run) ?? {};
  // No number depends on the kernel's release, which a page for others need not tell.
  const system = os.replace(/ .* /, ' ');
  const machine = [system, machineOf(run) ?? '–', graphics];
  const engine = [name, precision, threads?.replace(/ \w+$/, '')].map((told) => told ?? '–');
  return [versionOf(run) ?? '', node, ...machine, ...engine];
}

/** `MLP 1×512, CIFAR-10, random labels, no regularizer, seed 0` */
export function whatOf({ config }: ReportRun): string {
  const { experiment, model, data, corruption, regularization, loss, train, seed } = config;
  const parts = [
    trainsNetwork(experiment) ? modelLabel(model) : '',
    experiment === 'train' ? '' : experiment,
    dataLabel(data.name),
    corruptionLabel(corruption),
    experiment === 'train' ? regularizerLabel(regularization) : '',
    loss === undefined ? '' : lossLabel(loss),
    optimizerLabel(train.optimizer),
    `seed ${seed}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** `finished, did not converge`, `interrupted (killed; last sign of life 3 h ago)` … */
function stateText(run: ReportRun): string {
  const { state, detail, config } = run;
  const told = detail === '' ? state : `${state} (${detail})`;
  return config.experiment === 'train' && failedToFit(run) === true && state === 'finished'
    ? `${told}, did not converge`
    : told;
}

function numbers(run: ReportRun): string[] {
  const last = lastRow(run);
  const best = run.result?.best ?? null;
  const step = fitTime(run)?.step;
  const noise = run.result?.label_noise;
  const test = run.theory && 'test_accuracy' in run.theory ? run.theory.test_accuracy : undefined;
  return [
    percent(last?.train_accuracy),
    percent(last?.test_accuracy ?? test),
    best === null ? '–' : `${percent(best.test_accuracy)} (epoch ${best.epoch})`,
    step == null ? '–' : grouped(step),
    percent(noise),
  ];
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? '–' : (100 * fraction).toFixed(2);
}

/** With forward slashes on every system: the page may be sent elsewhere together with its runs. */
function relativePath(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/') || '.';
}
