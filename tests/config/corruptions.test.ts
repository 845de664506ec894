import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CORRUPTION_KINDS,
  CORRUPTIONS,
  type CorruptionConfig,
  type CorruptionKind,
  type CorruptionRow,
  corruptedShare,
  labelOf,
} from '../../src/config/corruptions.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { configJsonSchema } from '../../src/config/json-schema.js';
import { schemasAt } from '../../src/config/keys.js';
import { portableConfig } from '../../src/config/portable.js';
import { andList } from '../../src/config/problems.js';
import { errorOf } from './helpers.js';

const VALUES = {
  channels: 'mixed',
  statistics: 'global',
  matrix: [
    [0.9, 0.1],
    [0, 1],
  ],
  file: 'labels.txt',
  column: 'noisy',
  sha256: '0'.repeat(64),
} as const;
type OwnKey = keyof typeof VALUES;
const OWN_KEYS = Object.keys(VALUES) as OwnKey[];
/** Keys that some kinds take one of; the digest is that of a file. */
const OTHER_WAYS: OwnKey[] = ['file', 'sha256'];

/** Every way to write a kind down: with and without what it may leave out. */
function waysToWrite(kind: CorruptionKind): Record<string, unknown>[] {
  const { fraction, keys, oneOf }: CorruptionRow = CORRUPTIONS[kind];
  const taken = OWN_KEYS.filter((key) => keys[key] !== undefined);
  const own = taken
    .filter((key) => oneOf === undefined || !OTHER_WAYS.includes(key))
    .map((key) => [key, VALUES[key]]);
  // Where its digest stands in the config, the file needn't be there.
  const isLeast = (key: OwnKey) =>
    keys[key] === 'needed' || key === 'sha256' || oneOf?.includes(key);
  const needed = own.filter(([key]) => isLeast(key as OwnKey));
  const fractions = typeof fraction === 'object' ? [1] : [0, 0.3, 1];
  const least = { kind, ...Object.fromEntries(needed) };
  return [
    ...(fraction === 'needed' ? [] : [least]),
    ...fractions.map((each) => ({ ...least, fraction: each })),
    ...fractions.map((each) => ({ kind, fraction: each, ...Object.fromEntries(own) })),
  ];
}

const configOf = async (corruption: unknown) =>
  (await loadExperiment({ name: 'a', corruption })).trials[0]!.config;

describe.each(CORRUPTION_KINDS)('%s', (kind) => {
  const row = CORRUPTIONS[kind];

  it('is stored as a config that has the same hash', async () => {
    for (const given of waysToWrite(kind)) {
      for (const corruption of [given, [given]]) {
        const config = await configOf(corruption);
        expect(config.corruption).toMatchObject([given]);
        const stored = JSON.parse(JSON.stringify(portableConfig(config))) as object;
        const again = (await loadExperiment(stored)).trials[0]!.config;
        expect(again).toEqual(config);
        expect(configHash(again)).toBe(configHash(config));
      }
    }
  });

  it('says what is missing', async () => {
    const [full] = waysToWrite(kind).slice(-1) as [Record<string, unknown>];
    delete full.sha256;
    const needed = OWN_KEYS.filter((key) => row.keys[key] === 'needed') as string[];
    if (row.fraction === 'needed') needed.push('fraction');
    for (const key of needed) {
      const { [key]: _, ...rest } = full;
      expect(await errorOf(() => configOf(rest))).toContain(
        `corruption.${key} is missing: ${kind} needs`,
      );
    }
  });

  it('refuses what would do nothing', async () => {
    const [least] = waysToWrite(kind) as [Record<string, unknown>];
    for (const key of OWN_KEYS.filter((each) => row.keys[each] === undefined)) {
      const message = await errorOf(() => configOf({ ...least, [key]: VALUES[key] }));
      const owners = andList(CORRUPTION_KINDS.filter((each) => CORRUPTIONS[each].keys[key]));
      expect(message).toContain(`corruption.${key} is for ${owners}, not ${kind}.`);
    }
    if (typeof row.fraction !== 'object') return;
    const message = await errorOf(() => configOf({ ...least, fraction: 0.5 }));
    expect(message).toContain(`corruption.fraction is 0.5, but ${kind} ${row.fraction.always}.`);
  });

  it('has a label of its own, and one for each of its variants', async () => {
    const others = CORRUPTION_KINDS.filter((other) => other !== kind).map(
      (other) => CORRUPTIONS[other].label,
    );
    expect(others).not.toContain(row.label);
    const corruptions = (await Promise.all(waysToWrite(kind).map(configOf))).map(
      ({ corruption }) => corruption[0]!,
    );
    const distinct = new Set(corruptions.map((each) => JSON.stringify(each)));
    expect(new Set(corruptions.map((each) => labelOf(each))).size).toBe(distinct.size);
    for (const each of corruptions.filter(({ fraction }) => fraction < 1)) {
      expect(labelOf(each).startsWith(`${row.label}, p = ${each.fraction}`)).toBe(true);
    }
  });

  it('is in the schema, in the docs and in the table of the README', () => {
    const names = schemasAt(['corruption', 'kind']).flatMap((schema) => schema.enum ?? []);
    expect(names).toContain(kind);
    const { description } = schemasAt(['corruption', 'fraction'])[0]!;
    expect(description?.includes(kind)).toBe(row.fraction === 'needed');
    const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
    expect(file('docs/configuration.md')).toContain(`\`${kind}\``);
    expect(file('README.md')).toContain(`\n| \`${kind}\` | `);
  });
});

describe('corruptedShare', () => {
  const share = async (corruption: unknown) =>
    corruptedShare((await configOf(corruption)).corruption);

  it('is the p of the paper, and nothing for others', async () => {
    expect(await share('none')).toBe(0);
    expect(await share('random-labels')).toBe(1);
    expect(await share({ kind: 'partial-labels', fraction: 0.3 })).toBe(0.3);
    expect(await share({ kind: 'flip-labels', fraction: 0.3 })).toBeNull();
    expect(await share('gaussian')).toBeNull();
    expect(await share(['random-labels', 'gaussian'])).toBeNull();
  });
});

describe('the table of corruptions', () => {
  it('is the list that the schema knows, after none', () => {
    const { anyOf } = configJsonSchema().properties!.corruption!;
    const names = anyOf!.flatMap((option) => option.anyOf ?? [option]).find((each) => each.enum);
    expect(names?.enum).toEqual(['none', ...CORRUPTION_KINDS]);
  });

  it('has no row with something missing: that would not compile', () => {
    const { gaussian, ...others } = CORRUPTIONS;
    const { changes: _changes, ...noChange } = gaussian;
    const { fraction: _fraction, ...noFraction } = gaussian;
    // @ts-expect-error A kind without a row.
    const noRow: Record<CorruptionKind, CorruptionRow> = others;
    // @ts-expect-error A row that doesn't say what changes.
    const unknownChange: CorruptionRow = noChange;
    // @ts-expect-error A row that doesn't say whether it takes a fraction.
    const unknownFraction: CorruptionRow = noFraction;
    // @ts-expect-error A kind that isn't in the table.
    const blur: CorruptionConfig['kind'] = 'blur';
    expect(Object.keys(noRow)).not.toContain('gaussian');
    expect([unknownChange, unknownFraction]).toEqual([noChange, noFraction]);
    expect(CORRUPTION_KINDS).not.toContain(blur);
  });
});
