import { valuesAt } from '../../config/flat.js';
import { knownKeys, schemasAt } from '../../config/keys.js';
import { nearest } from '../../config/nearest.js';
import { parsePath } from '../../config/problems.js';
import { defaultOf } from '../../config/swept.js';
import { RethinkError } from '../../errors.js';
import { MEASURE_NAMES } from '../../results/measures.js';
import { THEORY_NUMBERS } from '../../results/theory.js';
import { EPOCH_COLUMNS, OUTCOMES, type StoredEpochRow } from '../../results/training.js';
import { RUN_STATES } from '../status.js';
import type { ListedRun } from './listed.js';

/** How a column's values are told to people. */
export type ColumnForm = 'text' | 'count' | 'fraction' | 'seconds' | 'time' | 'number';

/** A column of a list of runs, beside the keys of their configs. */
export interface RunColumn {
  /** The heading of a table; others than the name itself may be given for it. */
  title: string;
  also?: readonly string[];
  form: ColumnForm;
  /** All that it can be, where that is a few words. */
  words?: readonly string[];
  value(run: ListedRun): unknown;
}

const lastOf = (key: keyof StoredEpochRow) => (run: ListedRun) => run.last?.[key];

/** Accuracies of an experiment of the theory, which evaluates no epoch. */
const accuracyOf = (split: 'train' | 'test') => (run: ListedRun) =>
  run.last?.[`${split}_accuracy`] ?? theoryNumber(run, `${split}_accuracy`);

function theoryNumber({ theory }: ListedRun, name: string): unknown {
  return theory === null ? undefined : (theory as unknown as Record<string, unknown>)[name];
}

const OWN: Record<string, RunColumn> = {
  name: { title: 'name', form: 'text', value: (run) => run.name },
  state: {
    title: 'state',
    form: 'text',
    words: [...RUN_STATES, 'unknown'],
    value: (run) => run.state,
  },
  epoch: { title: 'epoch', form: 'count', value: (run) => run.epoch },
  train_accuracy: {
    title: 'train acc',
    also: ['train'],
    form: 'fraction',
    value: accuracyOf('train'),
  },
  test_accuracy: { title: 'test acc', also: ['test'], form: 'fraction', value: accuracyOf('test') },
  generalization_gap: {
    title: 'gap',
    also: ['gap'],
    form: 'fraction',
    value: (run) => run.last?.generalization_gap,
  },
  seconds: { title: 'time', also: ['time'], form: 'seconds', value: (run) => run.seconds },
  started: { title: 'when', also: ['when'], form: 'time', value: (run) => run.started },
  id: { title: 'id', form: 'text', value: (run) => run.id },
  outcome: {
    title: 'outcome',
    form: 'text',
    words: Object.keys(OUTCOMES),
    value: (run) => (run.result ?? run.theory)?.outcome,
  },
  converged: { title: 'converged', form: 'text', value: (run) => run.result?.converged },
  best_test_accuracy: {
    title: 'best test',
    form: 'fraction',
    value: (run) => run.result?.best?.test_accuracy ?? run.last?.best_test_accuracy,
  },
  best_epoch: { title: 'best epoch', form: 'count', value: (run) => run.result?.best?.epoch },
  parameters: { title: 'parameters', form: 'count', value: (run) => run.result?.parameters },
  label_noise: {
    title: 'label noise',
    form: 'fraction',
    value: (run) => (run.result ?? run.theory)?.label_noise,
  },
  device: {
    title: 'device',
    form: 'text',
    value: (run) => (run.result ?? run.theory)?.engine?.device,
  },
  data_hash: {
    title: 'data',
    form: 'text',
    value: (run) => (run.result ?? run.theory)?.data?.hash,
  },
  path: { title: 'directory', form: 'text', value: (run) => run.path },
};

const ofEpochs = EPOCH_COLUMNS.filter((name) => !Object.hasOwn(OWN, name)).map((name) => [
  name,
  {
    title: name.replaceAll('_', ' '),
    form: name === 'step' ? 'count' : name.endsWith('_accuracy') ? 'fraction' : 'number',
    value: lastOf(name),
  } satisfies RunColumn,
]);
const ofTheory = THEORY_NUMBERS.filter(
  (name) => !Object.hasOwn(OWN, name) && !(EPOCH_COLUMNS as readonly string[]).includes(name),
).map((name) => [
  name,
  {
    title: name.replaceAll('_', ' '),
    form: 'number',
    value: (run: ListedRun) => theoryNumber(run, name),
  } satisfies RunColumn,
]);

const ofMeasures = MEASURE_NAMES.map((name) => [
  name,
  {
    title: name.replaceAll('_', ' '),
    form: 'number',
    value: (run: ListedRun) => run.result?.measures?.[name],
  } satisfies RunColumn,
]);

/** Columns of a list of runs by name; those of an epoch are of the last one. */
export const RUN_COLUMNS: Readonly<Record<string, RunColumn>> = {
  ...OWN,
  ...(Object.fromEntries([...ofEpochs, ...ofTheory, ...ofMeasures]) as Record<string, RunColumn>),
};

/** A column or a key of a config, as somebody asked for it. */
export interface NamedValue {
  /** The column's own name, or the key. */
  name: string;
  title: string;
  form: ColumnForm;
  /** All that it can be, where that is known. */
  words: readonly string[] | undefined;
  /** All that a run has of it: of several corruptions, what each has. */
  values(run: ListedRun): unknown[];
}

/**
 * The column or the key of a config of this name; a column goes first.
 *
 * @param option Where it was asked for: `--where 'epochs>3'`.
 * @throws RethinkError (`usage`) naming the nearest.
 */
export function namedValue(name: string, option: string): NamedValue {
  const column = columnCalled(name);
  if (column !== undefined) {
    const { title, form, words, value } = RUN_COLUMNS[column]!;
    return { name: column, title, form, words, values: (run) => [value(run)] };
  }
  const path = parsePath(name);
  const schemas = path[0] === 'sweep' || path[0] === '$schema' ? [] : schemasAt(path);
  if (schemas.length === 0) throw unknown(name, option);
  const words = schemas.every((schema) => schema.enum !== undefined)
    ? schemas.flatMap((schema) => schema.enum!)
    : undefined;
  const byDefault = defaultOf(name);
  const values = ({ config }: ListedRun) => {
    const found = valuesAt(config, name);
    return found.length > 0 || byDefault === undefined || config.size === 0 ? found : [byDefault];
  };
  return { name, title: name, form: 'text', words, values };
}

function columnCalled(name: string): string | undefined {
  if (Object.hasOwn(RUN_COLUMNS, name)) return name;
  return Object.keys(OWN).find((column) => OWN[column]!.also?.includes(name));
}

function unknown(name: string, option: string): RethinkError {
  const others = Object.values(OWN).flatMap(({ also = [] }) => also);
  const close = nearest(name, [...allNames(), ...others]);
  const inSection = allNames().filter((key) => key.split('.').at(-1) === name);
  const meant = close ?? (inSection.length === 0 ? undefined : inSection.join(' or '));
  return new RethinkError(
    'usage',
    `${option}: there is no column and no key ${JSON.stringify(name)}.`,
    {
      hint:
        meant === undefined
          ? `Columns: ${Object.keys(OWN).join(', ')}; of the last epoch: ${EPOCH_COLUMNS.join(', ')}; or a key of the config: model.name.`
          : `Did you mean ${meant}?`,
    },
  );
}

/** Every name that may be asked for, but for keys deeper than two. */
export function allNames(): string[] {
  const sections = knownKeys([]).filter((name) => name !== 'sweep' && name !== '$schema');
  const keys = sections.flatMap((section) => {
    const own = [...new Set(knownKeys([section]))];
    return own.length === 0 ? [section] : own.map((key) => `${section}.${key}`);
  });
  return [...new Set([...Object.keys(RUN_COLUMNS), ...keys])];
}
