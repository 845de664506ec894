import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { keep, type Stored, tellMissing } from '../../src/results/stored.js';

const kept = keep(
  {
    step: z.int(),
    loss: z.number(),
    clean: z.number().nullable(),
    top5: z.number().optional(),
    engine: z.strictObject({ mode: z.string(), threads: z.int().optional() }).nullable(),
    draws: z.array(z.strictObject({ step: z.int(), error: z.number() })),
    last: z.strictObject({ loss: z.number() }).nullable(),
  },
  ['step'],
  ['last'],
);
const whole = {
  step: 1,
  loss: 2,
  clean: null,
  engine: { mode: 'eager' },
  draws: [{ step: 1, error: 0 }],
  last: { loss: 1 },
};
const { loss: _loss, ...fewer } = whole;

describe('reading', () => {
  it('gives back what is whole, and what is not asked for at any depth', () => {
    expect(kept.schema.parse(whole)).toEqual(whole);
    const more = { ...whole, later: [1], engine: { mode: 'eager', later: null } };
    expect(kept.schema.parse(more)).toEqual(more);
    expect(kept.missing(kept.schema.parse(more))).toEqual([]);
  });

  it('does without all that is not needed, and names it', () => {
    expect(kept.missing(kept.schema.parse({ step: 1 }))).toEqual([
      'loss',
      'clean',
      'engine',
      'draws',
      'last',
    ]);
    const within = { ...whole, engine: {}, last: {}, draws: [{ step: 1 }] };
    expect(kept.missing(kept.schema.parse(within))).toEqual(['engine.mode', 'last.loss']);
  });

  it('refuses a wrong type, and goes without nothing that is needed, at any depth', () => {
    for (const wrong of [
      { ...whole, loss: '2' },
      { ...whole, engine: { mode: 1 } },
      { ...whole, engine: [] },
      { ...whole, step: undefined },
      { ...whole, draws: [{ error: 0 }] },
      [],
      null,
    ]) {
      expect(kept.schema.safeParse(wrong).success).toBe(false);
    }
  });

  it('has a type that says so', () => {
    type Read = Stored<{ step: number; of: { step: number; loss: number } | null }, 'step'>;
    expectTypeOf<Read['step']>().toEqualTypeOf<number>();
    expectTypeOf<NonNullable<Read['of']>['loss']>().toEqualTypeOf<number | undefined>();
  });
});

describe('writing', () => {
  it('gives back what has every key and no other', () => {
    expect(kept.written(whole)).toBe(whole);
  });

  it.each([
    [fewer, 'no loss'],
    [{ ...whole, later: 1 }, 'an unknown later'],
    [{ ...whole, engine: {} }, 'no engine.mode'],
    [{ ...whole, engine: { mode: 'eager', later: 1 } }, 'an unknown engine.later'],
    [{ ...whole, last: undefined }, 'no last'],
  ])('refuses %j as a bug', (value, wrong) => {
    expect(() => kept.written(value as never)).toThrow(`a row or result has ${wrong}`);
    expect(() => kept.written(value as never)).toThrow(TypeError);
  });

  it('leaves what is carried on as another version wrote it', () => {
    const carried = { ...whole, last: { later: 1 } };
    expect(kept.written(carried as never)).toBe(carried);
  });
});

it('tells what is missing once, and nothing where nothing is', () => {
  const told: string[] = [];
  tellMissing('a.json', [], (sentence) => told.push(sentence));
  tellMissing('b.json', ['x', 'y.z'], (sentence) => told.push(sentence));
  expect(told).toEqual(['b.json has no x, y.z: another version of rethink-gen wrote it.']);
});
