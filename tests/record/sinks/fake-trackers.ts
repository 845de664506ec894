import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TrackerKind } from '../../../src/config/sinks.js';
import { serve } from '../../helpers/server.js';

/** What goes wrong with one request. */
export type Fault =
  /** Answered at once with this status; nothing is kept. */
  | number
  /** The connection breaks before anything is kept, and after all was. */
  | 'cut before'
  | 'cut after'
  /** All is kept, and half of the answer comes. */
  | 'half'
  /** All is kept, and the page of a proxy comes. */
  | 'page'
  /** Nothing ever comes. */
  | 'hangs';

/** A number that was sent, as often as it was sent. */
export interface Kept {
  run: string;
  step: number;
  name: string;
  value: number | string;
}

export interface FakeTracker {
  origin: string;
  /** Every number that was taken, in order: a real server would drop some of what comes twice, and this one doesn't. */
  kept: Kept[];
  /** Method and path of every request. */
  asked: string[];
  headers: IncomingMessage['headers'][];
  /** Of runs, by id. */
  params: Record<string, unknown>;
  states: string[];
  /** For the next requests, in order. */
  faults: (Fault | null)[];
}

/** A server that does what ours asks of the real one, and what goes wrong with it. */
export async function fakeTracker(kind: TrackerKind, faults: (Fault | null)[] = []) {
  const tracker: FakeTracker = {
    origin: '',
    kept: [],
    asked: [],
    headers: [],
    params: {},
    states: [],
    faults,
  };
  const answer = ANSWERS[kind](tracker);
  const { origin } = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      tracker.asked.push(`${request.method} ${request.url}`);
      tracker.headers.push(request.headers);
      const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
      const fault = tracker.faults.shift() ?? null;
      if (fault === 'hangs') return;
      if (fault === 'cut before') return void request.socket.destroy();
      if (typeof fault === 'number') {
        response.writeHead(fault, { location: 'http://elsewhere.example/', 'retry-after': '0' });
        return void response.end('{}');
      }
      const url = new URL(request.url!, 'http://host');
      respond(request, response, fault, answer(url, body));
    });
  });
  tracker.origin = origin;
  return tracker;
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | null,
  [status, answer]: Answer,
): void {
  if (fault === 'cut after') return void request.socket.destroy();
  const text = fault === 'page' ? '<html>Sign in</html>' : JSON.stringify(answer);
  const length = Buffer.byteLength(text);
  response.writeHead(fault === 'page' ? 200 : status, {
    'content-type': 'application/json',
    'content-length': length,
  });
  if (fault !== 'half') return void response.end(text);
  response.write(text.slice(0, length >> 1), () => request.socket.destroy());
}

type Answer = [status: number, body: object];
// biome-ignore lint/suspicious/noExplicitAny: what comes is looked at by what is kept of it
type Body = any;

const ANSWERS: Record<TrackerKind, (tracker: FakeTracker) => (url: URL, body: Body) => Answer> = {
  mlflow: mlflowAnswers,
  trackio: trackioAnswers,
};

function mlflowAnswers(tracker: FakeTracker) {
  const experiments: string[] = [];
  const runs = new Map<string, { tags: Map<string, string>; params: Map<string, string> }>();
  const missing: Answer = [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no' }];
  const told = (id: string) => {
    const { tags, params } = runs.get(id)!;
    const list = (map: Map<string, string>) => [...map].map(([key, value]) => ({ key, value }));
    const latest = new Map(
      tracker.kept.filter(({ run }) => run === id).map(({ name, ...rest }) => [name, rest]),
    );
    const metrics = [...latest].map(([key, { value, step }]) => ({ key, value, step }));
    const info = { run_id: id, lifecycle_stage: 'active' };
    return { info, data: { metrics, params: list(params), tags: list(tags) } };
  };
  return ({ pathname, searchParams }: URL, body: Body): Answer => {
    const query = Object.fromEntries(searchParams);
    switch (pathname.replace('/api/2.0/mlflow/', '')) {
      case 'experiments/get-by-name': {
        const id = experiments.indexOf(query.experiment_name!);
        return id < 0 ? missing : [200, { experiment: { experiment_id: String(id) } }];
      }
      case 'experiments/create':
        if (experiments.includes(body.name)) {
          return [400, { error_code: 'RESOURCE_ALREADY_EXISTS', message: 'taken' }];
        }
        return [200, { experiment_id: String(experiments.push(body.name) - 1) }];
      case 'runs/search': {
        const wanted = /= '(.*)'$/.exec(body.filter)![1]!;
        const found = [...runs].filter(([, run]) => run.tags.get('rethink_gen.run') === wanted);
        return [200, found.length === 0 ? {} : { runs: found.map(([id]) => told(id)) }];
      }
      case 'runs/create': {
        const id = `run${runs.size}`;
        const tags = new Map<string, string>();
        for (const { key, value } of body.tags) tags.set(key, value);
        runs.set(id, { tags, params: new Map() });
        return [200, { run: told(id) }];
      }
      case 'runs/get':
        return runs.has(query.run_id!) ? [200, { run: told(query.run_id!) }] : missing;
      case 'runs/update':
        tracker.states.push(body.status);
        return [200, {}];
      case 'metrics/get-history': {
        // Pages of three.
        const all = tracker.kept.filter(
          ({ run, name }) => run === query.run_id && name === query.metric_key,
        );
        const from = Number(query.page_token ?? 0);
        const metrics = all.slice(from, from + 3).map(({ name: key, value, step }) => ({
          key,
          value,
          step,
        }));
        const more = all.length > from + 3 ? { next_page_token: String(from + 3) } : {};
        return [200, { metrics, ...more }];
      }
      case 'runs/log-batch': {
        const { run_id, metrics = [], params = [], tags = [] } = body;
        const run = runs.get(run_id);
        if (run === undefined) return missing;
        const limits = metrics.length > 1000 || params.length > 100 || tags.length > 100;
        const overwrites = params.some(
          ({ key, value }: Body) => (run.params.get(key) ?? value) !== value,
        );
        if (limits || overwrites) return [400, { error_code: 'INVALID_PARAMETER_VALUE' }];
        for (const { key, value } of params) run.params.set(key, value);
        for (const { key, value } of tags) run.tags.set(key, value);
        Object.assign(tracker.params, Object.fromEntries(run.params), Object.fromEntries(run.tags));
        for (const { key: name, value, step } of metrics) {
          tracker.kept.push({ run: run_id, step, name, value });
        }
        return [200, {}];
      }
      default:
        return [404, { error_code: 'ENDPOINT_NOT_FOUND' }];
    }
  };
}

/** As Trackio answers: what is none is `null`. */
const asAnswered = (value: number | string) => (typeof value === 'number' ? value : null);

function trackioAnswers(tracker: FakeTracker) {
  return ({ pathname }: URL, { kwargs }: Body): Answer => {
    switch (pathname) {
      case '/api/get_logs': {
        const rows = new Map<number, object>();
        for (const { run, step, name, value } of tracker.kept) {
          if (run !== kwargs.run_id) continue;
          rows.set(step, { ...rows.get(step), step, timestamp: 'now', [name]: asAnswered(value) });
        }
        return [200, { data: [...rows.values()] }];
      }
      case '/api/bulk_log':
        for (const { run_id, step, metrics, config } of kwargs.logs) {
          Object.assign(tracker.params, config);
          for (const [name, value] of Object.entries(metrics)) {
            tracker.kept.push({ run: run_id, step, name, value: value as number });
          }
        }
        return [200, { data: null }];
      default:
        return [404, { error: 'Unknown API' }];
    }
  };
}
