import { z } from 'zod';
import type { TrackerPlace } from '../../config/sinks.js';
import { sha256 } from '../../disk/digest.js';
import { anyNumber } from '../../disk/json.js';
import { asker, isMeant } from './ask.js';
import { answered } from './mlflow.js';
import type { Held, Point, RunFacts, Tracker } from './types.js';

/** Names that Trackio keeps for itself in a row. */
const RESERVED = ['project', 'run', 'timestamp', 'step', 'time', 'metrics'];

const logs = z.looseObject({
  data: z.array(z.looseObject({ step: z.int() }).catchall(z.unknown())),
});

/**
 * Trackio, by the HTTP interface of its server. A row that is sent twice is one there: it has a `log_id` that is a function
 * of it.
 */
export function trackio(
  place: TrackerPlace,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Tracker {
  // The address that its dashboard prints has the token in it.
  const server = new URL(place.url);
  const given = server.searchParams.get('write_token');
  server.search = '';
  server.hash = '';
  const url = server.href;
  const ask = asker({ ...place, url }, credentials({ ...place, url }, env, given), signal);
  const call = (name: string, kwargs: object) => ask(`/api/${name}`, { args: [], kwargs });
  const project = ({ experiment }: RunFacts) => projectName(experiment);

  const add = async (facts: RunFacts, points: Point[]) => {
    const logs = points.map(({ step, values }, i) => ({
      project: project(facts),
      run: facts.name,
      run_id: facts.id,
      step,
      metrics: values,
      config: i === 0 ? configOf(facts) : null,
      log_id: sha256(`${facts.id} ${step} ${Object.keys(values).sort().join(' ')}`),
    }));
    // What JSON lacks is text there, too.
    const finite = (values: object) =>
      Object.fromEntries(
        Object.entries(values).map(([k, v]) => [k, Number.isFinite(v) ? v : String(v)]),
      );
    const sent = logs.map((log) => ({ ...log, metrics: finite(log.metrics) }));
    await call('bulk_log', { logs: sent, hf_token: null });
  };

  return {
    name: (given) => (RESERVED.includes(given) || given.startsWith('__') ? `_${given}` : given),
    batch: 100,
    open: async (facts) => {
      const asked = { project: project(facts), run: facts.name, run_id: facts.id };
      const held: Held = new Map();
      for (const { step, ...row } of answered(await call('get_logs', asked), logs).data) {
        if (!held.has(step)) held.set(step, new Map());
        for (const [name, value] of Object.entries(row)) {
          // It answers `null` for each number that JSON lacks.
          const number = anyNumber.safeParse(value ?? Number.NaN.toString());
          if (number.success) held.get(step)!.set(name, number.data);
        }
      }
      const called = projectName(facts.experiment);
      const notes =
        called === facts.experiment
          ? []
          : [
              `${facts.experiment} is the project ${called} at Trackio, which knows no other letters.`,
            ];
      return { id: facts.id, held, notes };
    },
    add: (facts, _id, points) => add(facts, points),
    // It has no states; tags go with the row of the result.
    end: async () => {},
  };
}

function credentials(
  place: TrackerPlace,
  env: NodeJS.ProcessEnv,
  given: string | null,
): Record<string, string> {
  const meant = isMeant(place, env);
  const token = given ?? (meant === false ? undefined : env.TRACKIO_WRITE_TOKEN);
  // Hugging Face's own token opens more than a tracker: for a Space that the environment names, and no other.
  const isSpace = /^https:\/\/[^/]*\.hf\.space\//.test(place.url);
  const hub = isSpace && meant === true ? env.HF_TOKEN : undefined;
  return {
    ...(token ? { 'x-trackio-write-token': token } : {}),
    ...(hub ? { authorization: `Bearer ${hub}` } : {}),
  };
}

/** Trackio leaves other letters out of a file's name, and two projects would be one. */
const projectName = (given: string): string => given.replace(/[^A-Za-z0-9_-]/g, '-');

/** Config and conditions: what Trackio shows beside a run. It groups runs by `_Group`. */
function configOf({ params, tags, started }: RunFacts): Record<string, unknown> {
  const group = tags['rethink_gen.group'];
  return { ...params, ...tags, _Created: new Date(started).toISOString(), _Group: group ?? null };
}
