import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadExperiment } from '../../src/config/experiment.js';
import { configJsonSchema } from '../../src/config/json-schema.js';
import { configReference } from '../../src/config/reference.js';
import { configTemplate } from '../../src/config/template.js';

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('the JSON Schema for editors', () => {
  it('is what docs/configuration.md says (if not: npm run schema)', () => {
    expect(file('docs/configuration.md')).toBe(configReference(configJsonSchema()));
  });

  it('is the one in configs/schema.json (if not: npm run schema)', () => {
    expect(file('configs/schema.json')).toBe(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  });

  it('describes a strict config of which every part may be left out', () => {
    const schema = configJsonSchema();
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.additionalProperties).toBe(false);
    expect(schema).not.toHaveProperty('required');
    expect(schema.properties?.train?.properties?.batchSize?.maximum).toBe(65_536);
  });
});

describe('the template', () => {
  it('means the same as an empty config', async () => {
    const { base } = await loadExperiment(parse(configTemplate()) as object);
    expect(base).toEqual((await loadExperiment({})).base);
  });

  it('means what it says when every "# key:" is filled in', () => {
    const commented = configTemplate()
      .match(/^ *# [a-zA-Z]+:$/gm)!
      .map((line) => line.replace(/[# :]/g, ''));
    expect(commented).toEqual(
      expect.arrayContaining(['name', 'limit', 'hidden', 'learningRate', 'threads']),
    );
  });
});

describe('the shipped configs', () => {
  it('quickstart compares true with random labels on generated data', async () => {
    const { trials } = await loadExperiment(
      new URL('../../configs/quickstart.yaml', import.meta.url).pathname,
    );
    expect(trials.map(({ label }) => label)).toEqual([
      'corruption.kind=none',
      'corruption.kind=random-labels',
    ]);
    expect(trials[0]!.config.data.name).toBe('synthetic');
  });

  it("random-labels pins nothing that is a model's default", () => {
    const { $schema: _, ...config } = JSON.parse(file('configs/random-labels.json')) as Record<
      string,
      unknown
    >;
    expect(config).toEqual({
      name: 'random-labels',
      data: { name: 'cifar10' },
      corruption: { kind: 'random-labels' },
      model: { name: 'inception' },
    });
  });
});
