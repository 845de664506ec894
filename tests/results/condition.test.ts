import {
  array,
  assert,
  constantFrom,
  double,
  oneof,
  property,
  record,
  string,
  stringMatching,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, OPERATORS, parseCondition } from '../../src/results/condition.js';

const met = (text: string, ...values: unknown[]) => holds(parseCondition(text), values);

describe('a condition', () => {
  it('is read back as it was written: key, operator and value, whatever the value holds', () => {
    const key = stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,20}$/);
    const value = string().map((text) => text.trim());
    assert(
      property(record({ key, operator: constantFrom('=', '!=', '~', '!~'), value }), (written) => {
        const { key, operator, value } = written;
        // Behind a blank, even a value that begins like an operator is a value.
        expect(parseCondition(`${key}${operator} ${value}`)).toMatchObject(written);
        expect(parseCondition(` ${key} ${operator} ${value} `)).toMatchObject(written);
      }),
    );
  });

  it('takes == for =, and needs no blanks', () => {
    expect(parseCondition('model.name==mlp')).toMatchObject({ operator: '=', value: 'mlp' });
    for (const operator of OPERATORS) {
      expect(parseCondition(`epoch${operator}3`)).toMatchObject({
        key: 'epoch',
        operator,
        value: '3',
      });
    }
  });

  it.each(['', 'model.name', '=mlp', ' > 3', 'a b=c'])('that is none is refused: %j', (text) => {
    expect(() => parseCondition(text)).toThrow(/is not of the form key=value/);
  });

  it.each(['epoch>many', 'epoch<=', 'test_accuracy>=0,9'])('has no order: %s', (text) => {
    expect(() => parseCondition(text)).toThrow(/has no order/);
  });

  it('orders numbers as numbers', () => {
    const number = oneof(
      double({ noNaN: true, noDefaultInfinity: true }),
      constantFrom(0, -0, 0.1 + 0.2),
    );
    assert(
      property(number, number, (given, wanted) => {
        expect(met(`x<${wanted}`, given)).toBe(given < wanted);
        expect(met(`x<=${wanted}`, given)).toBe(given <= wanted);
        expect(met(`x>${wanted}`, given)).toBe(given > wanted);
        expect(met(`x>=${wanted}`, given)).toBe(given >= wanted);
        expect(met(`x=${wanted}`, given)).toBe(given === wanted);
        expect(met(`x!=${wanted}`, given)).toBe(given !== wanted);
      }),
    );
    expect(met('x=90%', 0.9)).toBe(true);
    expect(met('x=90 %', 0.9)).toBe(true);
    expect(met('x=1e-3', 0.001)).toBe(true);
  });

  it('holds of no order where there is no number, and of != then', () => {
    for (const operator of ['<', '<=', '>', '>=', '=']) {
      expect(met(`x${operator}1`, Number.NaN)).toBe(false);
      expect(met(`x${operator}1`)).toBe(false);
      expect(met(`x${operator}1`, null)).toBe(false);
    }
    expect(met('x!=1', Number.NaN)).toBe(true);
    expect(met('x!=1')).toBe(true);
    expect(met('x=nan', Number.NaN)).toBe(true);
    expect(met('x=Infinity', Number.POSITIVE_INFINITY)).toBe(true);
  });

  it('and its opposite never hold both, nor neither, of whatever there is', () => {
    const value = oneof(string(), double(), constantFrom(null, undefined, true, [512, 512], []));
    assert(
      property(array(value, { maxLength: 3 }), string(), (values, written) => {
        expect(met(`x= ${written}`, ...values)).toBe(!met(`x!= ${written}`, ...values));
        expect(met(`x~ ${written}`, ...values)).toBe(!met(`x!~ ${written}`, ...values));
      }),
    );
  });

  it('of several values asks for one, or for none', () => {
    expect(met('corruption.kind=gaussian', 'random-labels', 'gaussian')).toBe(true);
    expect(met('corruption.kind!=gaussian', 'random-labels', 'gaussian')).toBe(false);
  });

  it('knows truth, lists, times, and nothing at all', () => {
    expect(met('x=true', true)).toBe(true);
    expect(met('x=true', false)).toBe(false);
    expect(met('model.hidden=[512, 512]', [512, 512])).toBe(true);
    expect(met('model.hidden=512', [512])).toBe(true);
    expect(met('model.hidden=512', [512, 512])).toBe(false);
    expect(met('started>=2026-11-24', '2026-11-24T10:15:30Z')).toBe(true);
    expect(met('started<2026-11-24', '2026-11-24T10:15:30Z')).toBe(false);
    expect(met('data.limit=')).toBe(true);
    expect(met('data.limit=', 1000)).toBe(false);
    expect(met('data.limit!=', 1000)).toBe(true);
  });

  it('looks for text whatever its case', () => {
    expect(met('name~CIFAR', 'my-cifar10')).toBe(true);
    expect(met('name!~mnist', 'my-cifar10')).toBe(true);
  });
});
