import { canonicalJson } from '../../config/hash.js';
import type { Config } from '../../config/resolve.js';
import { type ConfigKey, settingsOf } from './keys.js';

/** What the paper says of a key, for one of its numbers. */
export type Rule<Cell> =
  /** No number depends on it (by more than rounding), or what came of it is judged instead: images, epochs. */
  | { is: 'free' }
  /** What makes a run one of the number's: it is there because the key has the number's value. */
  | { is: 'cell' }
  /** `fixed` by the paper; `open`, where others have chosen as well as we; `reduced`: named, and a verdict all the same. */
  | (Judgement<Cell> & { is: 'fixed' | 'open' | 'reduced' });

interface Judgement<Cell> {
  /** Whether a value is the paper's, or one that has been chosen for it. */
  holds(value: unknown, cell: Cell, config: Config): boolean;
  /** In words; `null` where the key does nothing in this config. */
  tell(value: unknown, config: Config): string | null;
  /** Where the paper says it, or what is known of what it leaves open. */
  source: string;
}

/** What the paper says of every key there is. */
export type Rules<Cell> = Record<ConfigKey, Rule<Cell>>;

/** A config beside what the paper says. */
export interface Held {
  /** Is not the paper's: no verdict. */
  differing: string[];
  /** The paper leaves it open, and it was chosen otherwise than it usually is. */
  unusual: string[];
  /** Less than the paper's in a way that is told, and no more. */
  reduced: string[];
  /** All that the paper leaves open, as it was chosen here. */
  open: string[];
}

export const FREE = { is: 'free' } as const;
export const CELL = { is: 'cell' } as const;

/** Names a value: `momentum 0.5`. */
const told = (name: string) => (value: unknown) => `${name} ${shown(value)}`;

/** A key whose value the paper gives. @param values Those that are the paper's, `undefined`: left out. */
export function fixed<Cell>(
  name: string | Judgement<Cell>['tell'],
  values: (cell: Cell, config: Config) => readonly unknown[],
  source: string,
): Rule<Cell> {
  return { is: 'fixed', ...among(name, values), source };
}

/** A key that the paper leaves open. @param values Those that have been chosen for it; default: any is as good. */
export function open<Cell>(
  name: string | Judgement<Cell>['tell'],
  values: ((cell: Cell, config: Config) => readonly unknown[]) | null,
  source: string,
): Rule<Cell> {
  const judged = among(name, values ?? (() => []));
  return { is: 'open', ...judged, ...(values === null && { holds: () => true }), source };
}

/** A key that is named where it isn't the first of these values. */
export function reduced<Cell>(name: string, value: unknown, source: string): Rule<Cell> {
  return { is: 'reduced', ...among(name, () => [value]), source };
}

function among<Cell>(
  name: string | Judgement<Cell>['tell'],
  values: (cell: Cell, config: Config) => readonly unknown[],
): Omit<Judgement<Cell>, 'source'> {
  return {
    holds: (value, cell, config) =>
      values(cell, config).some((one) => canonicalJson([one]) === canonicalJson([value])),
    tell: typeof name === 'string' ? told(name) : name,
  };
}

/**
 * Holds a whole config against what the paper says for one of its numbers. A key that the list has not is a difference: what
 * nobody has thought of is named.
 */
export function hold<Cell>(config: Config, rules: Rules<Cell>, cell: Cell): Held {
  const held: Held = { differing: [], unusual: [], reduced: [], open: [] };
  const settings = settingsOf(config);
  for (const [key, value] of settings) {
    if (!Object.hasOwn(rules, key)) held.differing.push(`${key} ${shown(value)}`);
  }
  for (const [key, rule] of Object.entries<Rule<Cell>>(rules)) {
    if (!('holds' in rule)) continue;
    const value = settings.get(key);
    const text = rule.tell(value, config);
    if (text === null) continue;
    const isHeld = rule.holds(value, cell, config);
    if (rule.is === 'open') held.open.push(text);
    if (!isHeld) held[DIFFERENCE[rule.is]].push(text);
  }
  return held;
}

/** Whether a config has all that the paper fixes for one of its numbers. */
export function isHeld<Cell>(config: Config, rules: Rules<Cell>, cell: Cell): boolean {
  return hold(config, rules, cell).differing.length === 0;
}

const DIFFERENCE = { fixed: 'differing', open: 'unusual', reduced: 'reduced' } as const;

/** A value of a config in words: `radius 4, bias 1, alpha 0.00011111, beta 0.75`. */
export function shown(value: unknown): string {
  if (value === undefined) return 'by default';
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return String(Number(value.toPrecision(5)));
  }
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  const parts = Object.entries(value).map(([key, part]) => `${key} ${shown(part)}`);
  return parts.join(', ');
}
