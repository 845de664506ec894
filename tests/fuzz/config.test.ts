import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { mutatedText } from './mutate.js';
import { survives } from './survive.js';

const folder = temporaryFolder();

/** What the example configs are made of, and what YAML and JSON can be led astray by. */
const examples = ['configs', 'configs/paper'].flatMap((from) =>
  readdirSync(from)
    .filter((name) => /\.(yaml|json)$/.test(name) && name !== 'schema.json')
    .map((name) => readFileSync(join(from, name), 'utf8')),
);
const words = [...new Set(examples.join(' ').match(/[\w.-]+/g))];
const piece = fc.oneof(
  fc.constantFrom(...words),
  fc.constantFrom(
    ...[': ', '\n', '\n  ', '- ', '[', ']', '{', '}', ',', '"', "'", '|', '>', '#', '&a ', '*a'],
    ...[
      '<<: *a',
      '!!binary ',
      '!t ',
      '? ',
      '%YAML 1.1\n',
      '---\n',
      '...\n',
      '\t',
      '\u0000',
      '\ufeff',
    ],
    ...['__proto__: ', 'constructor: ', '"__proto__": ', 'prototype', 'sweep: ', 'grid: ', 'zip: '],
    ...[
      'seeds: 10000',
      '.nan',
      '.inf',
      '-1',
      '1e999',
      '0x10',
      '9007199254740993',
      '../',
      '/etc/passwd',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

describe('readers of configs', () => {
  it('files', async () => {
    const text = fc.oneof(
      fc.constantFrom(...examples).chain((good) => mutatedText(good, piece)),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    );
    const inputs = fc.tuple(text, fc.constantFrom('x.yaml', 'x.json'));
    await survives('configs', inputs, async ([content, name]) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      await loadExperiment(path);
    });
  }, 3_600_000);

  it('overrides', async () => {
    const keys = [
      'data',
      'train.epochs',
      'corruption.0.kind',
      'sweep.grid',
      'sweep.seed',
      'model.hidden.0',
    ];
    const key = fc.oneof(
      fc.constantFrom(...keys, ...words),
      fc.string(),
      fc.constant('__proto__.x'),
    );
    const value = fc.oneof(
      fc.constantFrom('1', '0.5', '[1, 2]', 'none', 'mlp', 'never', '{kind: random-pixels}'),
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
      fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.stringify(json)),
    );
    const good = fc.constantFrom('seed=3', 'train.epochs=2', 'corruption=gaussian', 'data.limit=9');
    const override = fc.oneof(
      good,
      fc.tuple(key, value).map(([name, text]) => `${name}=${text}`),
      fc.tuple(fc.constantFrom(...keys), piece, piece).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    const inputs = fc.array(override, { minLength: 1, maxLength: 4 });
    await survives('overrides', inputs, (overrides) => loadExperiment({}, { overrides }));
  }, 3_600_000);
});
