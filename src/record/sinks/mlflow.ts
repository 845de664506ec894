import { z } from 'zod';
import type { TrackerPlace } from '../../config/sinks.js';
import { asker, isMeant, TrackerError } from './ask.js';
import { leafText } from './facts.js';
import type { Held, RunFacts, TrackedState, Tracker } from './types.js';

/** Of a request, as MLflow's REST interface 2.0 limits it. */
const MOST_METRICS = 1000;
const MOST_PARAMS = 100;
/** Of MLflow 2.0; later ones take more. Names: 250. */
const LONGEST_PARAM = 500;
const LONGEST_TAG = 5000;
const LONGEST_NAME = 250;
const PAGE = 25_000;

/** The tag by which a run is found again. */
const RUN_TAG = 'rethink_gen.run';

const STATUS: Record<TrackedState, string> = {
  running: 'RUNNING',
  finished: 'FINISHED',
  interrupted: 'KILLED',
  failed: 'FAILED',
};

const number = z.union([z.number(), z.string().transform(Number)]);
const pair = z.looseObject({ key: z.string(), value: z.string().default('') });
const metric = z.looseObject({
  key: z.string(),
  value: number.default(0),
  step: number.default(0),
});
const runSchema = z.looseObject({
  info: z.looseObject({ run_id: z.string(), lifecycle_stage: z.string().optional() }),
  data: z
    .looseObject({
      metrics: z.array(metric).default([]),
      params: z.array(pair).default([]),
      tags: z.array(pair).default([]),
    })
    .prefault({}),
});
type MlflowRun = z.output<typeof runSchema>;
const oneRun = z.looseObject({ run: runSchema });
const someRuns = z.looseObject({ runs: z.array(runSchema).default([]) });
const history = z.looseObject({
  metrics: z.array(metric).default([]),
  next_page_token: z.string().optional(),
});
const experimentSchema = z.looseObject({
  experiment: z.looseObject({ experiment_id: z.string(), lifecycle_stage: z.string().optional() }),
});

/** MLflow, by its REST interface 2.0. A point that is sent twice is one there: it is known by name, time, step and value. */
export function mlflow(
  place: TrackerPlace,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Tracker {
  const ask = asker(place, isMeant(place, env) === false ? {} : credentials(env), signal);
  const get = (path: string, query: Record<string, string>) =>
    ask(`/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`);
  const post = (path: string, body: object) => ask(`/api/2.0/mlflow/${path}`, body);
  const read = <T>(answer: unknown, schema: z.ZodType<T>) => answered(answer, schema);

  const experiment = async (name: string): Promise<string> => {
    const find = () => get('experiments/get-by-name', { experiment_name: name });
    const found = await find().catch(orNull('RESOURCE_DOES_NOT_EXIST'));
    const create = () => post('experiments/create', { name });
    if (found === null) await create().catch(orNull('RESOURCE_ALREADY_EXISTS'));
    const there = read(found ?? (await find()), experimentSchema).experiment;
    if (there.lifecycle_stage !== 'deleted') return there.experiment_id;
    throw new TrackerError(`The experiment ${JSON.stringify(name)} was deleted at MLflow.`, {
      mayPass: false,
      hint: 'Restore it there (mlflow experiments restore), or give another one.',
    });
  };

  /** `null` where the run isn't there, or was thrown away there. */
  const byId = async (id: string): Promise<MlflowRun | null> => {
    const found = await get('runs/get', { run_id: id }).catch(orNull('RESOURCE_DOES_NOT_EXIST'));
    const run = found === null ? null : read(found, oneRun).run;
    return run?.info.lifecycle_stage === 'deleted' ? null : run;
  };

  const make = async (facts: RunFacts): Promise<MlflowRun> => {
    const experimentId = await experiment(facts.experiment);
    const asked = {
      experiment_ids: [experimentId],
      filter: `tags."${RUN_TAG}" = '${facts.id}'`,
      max_results: 1,
      order_by: ['attributes.start_time ASC'],
    };
    const [found] = read(await post('runs/search', asked), someRuns).runs;
    if (found !== undefined) return found;
    const made = await post('runs/create', {
      experiment_id: experimentId,
      start_time: facts.started,
      run_name: facts.name,
      tags: [{ key: RUN_TAG, value: facts.id }],
    });
    return read(made, oneRun).run;
  };

  /** MLflow keeps the first value of a param, and the last one of a tag. */
  const describe = async (facts: RunFacts, { info, data }: MlflowRun): Promise<string[]> => {
    const there = new Map(data.params.map(({ key, value }) => [key, value]));
    const params = pairs(facts.params, LONGEST_PARAM);
    const tags = pairs(facts.tags, LONGEST_TAG);
    const missing = params.filter(({ key }) => !there.has(key));
    const changed = params.filter(({ key, value }) => (there.get(key) ?? value) !== value);
    for (let i = 0; i === 0 || i < missing.length; i += MOST_PARAMS) {
      const some = missing.slice(i, i + MOST_PARAMS);
      await post('runs/log-batch', {
        run_id: info.run_id,
        params: some,
        tags: i === 0 ? tags : [],
      });
    }
    return changed.map(
      ({ key, value }) =>
        `MLflow keeps the first value of a param: ${key} is ${there.get(key)} there, and ${value} here.`,
    );
  };

  const heldOf = async (runId: string, names: string[]): Promise<Held> => {
    const held: Held = new Map();
    for (const key of names) {
      let token: string | undefined;
      do {
        const page = { ...(token && { page_token: token }), max_results: String(PAGE) };
        const asked = { run_id: runId, metric_key: key, ...page };
        const { metrics, next_page_token } = read(await get('metrics/get-history', asked), history);
        for (const { step, value } of metrics) {
          if (!held.has(step)) held.set(step, new Map());
          held.get(step)!.set(key, value);
        }
        token = next_page_token || undefined;
      } while (token !== undefined);
    }
    return held;
  };

  return {
    name: allowedName,
    // A row has some twenty numbers.
    batch: 40,
    open: async (facts, known) => {
      const run = (known === null ? null : await byId(known)) ?? (await make(facts));
      const id = run.info.run_id;
      const notes = await describe(facts, run);
      await post('runs/update', { run_id: id, status: STATUS.running });
      const names = run.data.metrics.map(({ key }) => key);
      return { id, held: await heldOf(id, names), notes };
    },
    add: async (_facts, id, points) => {
      const metrics = points.flatMap(({ step, at, values }) =>
        Object.entries(values).map(([key, value]) => ({
          key,
          value: Number.isFinite(value) ? value : String(value),
          timestamp: at,
          step,
        })),
      );
      for (let i = 0; i < metrics.length; i += MOST_METRICS) {
        await post('runs/log-batch', { run_id: id, metrics: metrics.slice(i, i + MOST_METRICS) });
      }
    },
    end: async (facts, id, state, at) => {
      await post('runs/log-batch', { run_id: id, tags: pairs(facts.tags, LONGEST_TAG) });
      const end = state === 'running' ? {} : { end_time: at };
      await post('runs/update', { run_id: id, status: STATUS[state], ...end });
    },
  };
}

const allowedName = (given: string) => given.replace(/[^\w.\- ]/g, '_').slice(0, LONGEST_NAME);

function pairs(values: Record<string, unknown>, most: number): { key: string; value: string }[] {
  return Object.entries(values).map(([key, leaf]) => {
    const value = leafText(leaf);
    const cut = value.length > most ? `${value.slice(0, most - 1)}…` : value;
    return { key: allowedName(key), value: cut };
  });
}

/** As MLflow's own clients take them from the environment. */
function credentials(env: NodeJS.ProcessEnv): Record<string, string> {
  const { MLFLOW_TRACKING_USERNAME: name, MLFLOW_TRACKING_PASSWORD: password } = env;
  if (name && password) {
    const pair = Buffer.from(`${name}:${password}`).toString('base64');
    return { authorization: `Basic ${pair}` };
  }
  const token = env.MLFLOW_TRACKING_TOKEN;
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** A handler that gives `null` for one error of MLflow's. */
function orNull(code: string): (error: unknown) => null {
  return (error) => {
    const answer = error instanceof TrackerError ? error.answer : undefined;
    if ((answer as { error_code?: unknown } | undefined)?.error_code === code) return null;
    throw error;
  };
}

/** @throws TrackerError where an answer is none of this interface. */
export function answered<T>(answer: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') || 'the whole';
  throw new TrackerError(`The server's answer can't be read: ${where}: ${issue?.message}.`, {
    mayPass: false,
    hint: 'Is it the server that it is said to be, and one of a version of today?',
  });
}
