import { isTheoryResult } from '../../results/theory.js';
import { OUTCOMES } from '../../results/training.js';
import type { TrialState } from '../../sweep/launch/states.js';
import { counted, percent } from '../../text.js';
import { shownPath, table } from './table.js';

/** In the order in which they are told. */
const STATES = [
  'done',
  'running',
  'waiting',
  'interrupted',
  'failed',
  'lost',
  'not begun',
] as const satisfies readonly TrialState['state'][];

/** `12 trials: 3 done, 2 running, 7 waiting` */
export function stateCounts(trials: readonly TrialState[]): string {
  const told = STATES.flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return `${counted(trials.length, 'trial')}: ${told.join(', ')}`;
}

/** Where each trial of a sweep stands, for a person. */
export function statesTable(trials: readonly TrialState[], width?: number): string {
  const rows = trials.map((trial) => {
    const { label, id } = trial.trial;
    return [label || id, trial.state, ...cells(trial)];
  });
  return table([['trial', 'state', 'epoch', 'train acc', 'where, why'], ...rows], [1, 4], {
    width,
    header: true,
  });
}

function cells(state: TrialState): [epoch: string, accuracy: string, why: string] {
  switch (state.state) {
    case 'done': {
      const { result } = state;
      if (isTheoryResult(result)) return ['–', '–', result.outcome];
      return [
        String(result.epochs ?? '–'),
        percent(result.last?.train_accuracy),
        OUTCOMES[result.outcome],
      ];
    }
    case 'running':
      return [...progressCells(state.progress), state.task?.task ?? 'this machine'];
    case 'waiting': {
      const { task, reason } = state.task;
      return [...progressCells(state.progress), reason === '' ? task : `${task}: ${reason}`];
    }
    case 'interrupted':
      return [...progressCells(state.progress), shownPath(state.progress.runDir)];
    case 'failed':
      return ['–', '–', state.error.message.split('\n')[0]!];
    case 'lost':
      return ['–', '–', 'its task ended without a word; its log may say more'];
    case 'not begun':
      return ['–', '–', ''];
  }
}

function progressCells(
  progress: { epoch: number | null; trainAccuracy: number | null } | null,
): [string, string] {
  return [String(progress?.epoch ?? '–'), percent(progress?.trainAccuracy)];
}

/** A trial's state as a program reads it. */
export function stateAsJson(state: TrialState): object {
  const { trial } = state;
  const common = { id: trial.id, label: trial.label, state: state.state };
  switch (state.state) {
    case 'done':
      return { ...common, run_dir: state.runDir, outcome: state.result.outcome };
    case 'running':
    case 'waiting':
    case 'interrupted': {
      const task = 'task' in state ? state.task : null;
      return {
        ...common,
        run_dir: state.progress?.runDir ?? null,
        epoch: state.progress?.epoch ?? null,
        train_accuracy: state.progress?.trainAccuracy ?? null,
        task: task?.task ?? null,
        reason: task?.reason ?? null,
      };
    }
    case 'failed':
      return { ...common, run_dir: state.runDir, error: state.error };
    case 'lost':
    case 'not begun':
      return common;
  }
}
