import { z } from 'zod';
import { KeyError } from './problems.js';
import { optional, text } from './values.js';

/** What is known of a kind of sink without loading it. */
interface SinkKindRow {
  /** As people call it. */
  label: string;
  /** What its address is. */
  address: 'URL' | 'DIR' | 'FILE';
  /** What it calls that which holds runs that belong together; `null`: it has no such thing. */
  holds: string | null;
  /** Environment variables that hold what it is to be shown by whoever sends; never written down. */
  secrets: readonly string[];
  /** The one that names the server that these are meant for. */
  server: string | null;
}

/** Where a run's rows can be sent or written to beside its own directory. */
export const SINK_KINDS = {
  mlflow: {
    label: 'MLflow',
    address: 'URL',
    holds: 'experiment',
    secrets: ['MLFLOW_TRACKING_USERNAME', 'MLFLOW_TRACKING_PASSWORD', 'MLFLOW_TRACKING_TOKEN'],
    server: 'MLFLOW_TRACKING_URI',
  },
  trackio: {
    label: 'Trackio',
    address: 'URL',
    holds: 'project',
    secrets: ['TRACKIO_WRITE_TOKEN', 'HF_TOKEN'],
    server: 'TRACKIO_SERVER_URL',
  },
  tensorboard: { label: 'TensorBoard', address: 'DIR', holds: null, secrets: [], server: null },
  parquet: { label: 'Parquet', address: 'FILE', holds: null, secrets: [], server: null },
} as const satisfies Record<string, SinkKindRow>;

export type SinkKind = keyof typeof SINK_KINDS;
export const SINK_NAMES = Object.keys(SINK_KINDS) as SinkKind[];

/** Those that are servers: a run can send its rows there while it goes on. */
export type TrackerKind = {
  [K in SinkKind]: (typeof SINK_KINDS)[K]['address'] extends 'URL' ? K : never;
}[SinkKind];

const isTracker = (kind: SinkKind): kind is TrackerKind => SINK_KINDS[kind].address === 'URL';
export const TRACKER_NAMES = SINK_NAMES.filter(isTracker);

/** A server that rows are sent to. */
export interface TrackerPlace {
  kind: TrackerKind;
  url: string;
  /** Default: the run's name. */
  experiment?: string | undefined;
}

export const sinksSchema = optional(
  z
    .array(
      z.strictObject({
        kind: z.enum(TRACKER_NAMES as [TrackerKind, ...TrackerKind[]]),
        url: text.describe('Of the server, without names, passwords and tokens.'),
        experiment: optional(
          text.max(250),
          "MLflow's experiment or Trackio's project; default: the run's name.",
        ),
      }),
    )
    .max(8),
  `Trackers that rows are sent to while a run goes on: { kind: ${TRACKER_NAMES.join(' or ')}, url, experiment } each; what they are to be shown stands in the environment (docs/trackers.md).`,
);

/**
 * Refuses what the schema can't: a URL that is none, and one with a secret in it, which would be written into every run.
 *
 * @throws KeyError (`usage`) naming the key, and not its value.
 */
export function checkSinks(sinks: readonly TrackerPlace[] = []): void {
  const places = new Set<string>();
  for (const [i, { kind, url, experiment }] of sinks.entries()) {
    const key = `record.sinks.${i}.url`;
    const { label, secrets } = SINK_KINDS[kind];
    if (!isHttpUrl(url)) {
      throw new KeyError(key, 'is not the address of a server.', {
        hint: `${label}'s looks like http://tracker.example:5000.`,
      });
    }
    const { username, password, search, hash } = new URL(url);
    if (`${username}${password}${search}${hash}` !== '') {
      throw new KeyError(
        key,
        'holds more than an address: what is in it would be written into every run.',
        {
          hint: `Leave out names, passwords and tokens; ${secrets.join(', ')} are read from the environment.`,
        },
      );
    }
    const place = `${kind} ${new URL(url).href} ${experiment ?? ''}`;
    if (places.has(place)) {
      throw new KeyError(key, 'stands there twice.', { hint: 'Once is enough.' });
    }
    places.add(place);
  }
}

/** Whether a text is a URL that requests can be made to. */
export function isHttpUrl(given: string): boolean {
  return URL.canParse(given) && /^https?:$/.test(new URL(given).protocol);
}

/** Text that may hold URLs, without what stands in them beside server and path. */
export function withoutSecrets(given: string): string {
  return given
    .replace(/(https?:\/\/)[^\s,}\]"']*@/gi, '$1***@')
    .replace(/(https?:\/\/[^\s?#,}\]"']*)[?#][^\s,}\]"']*/gi, '$1?***');
}
