import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CORRUPTION_KINDS } from '../../src/config/corruptions.js';
import { loadExperiment } from '../../src/config/experiment.js';
import { resolveAugment } from '../../src/config/resolve.js';
import { RethinkError } from '../../src/errors.js';
import { configFile, errorOf } from './helpers.js';

const KINDS = ['none', ...CORRUPTION_KINDS].join(', ');

async function fileError(text: string, overrides: string[] = [], name?: string): Promise<string> {
  const path = await configFile(text, name);
  return errorOf(() => loadExperiment(path, { overrides }), path);
}

async function configOf(config: object, overrides: string[] = [], env = {}) {
  const { base } = await loadExperiment(config, { overrides, env });
  return base!;
}

describe('errors of a file', () => {
  it('names the nearest key, with line and column', async () => {
    expect(await fileError('data:\n  limt: 5\n')).toBe(
      'exp.yaml:2:3: data.limt is not a known key.\nhint: Did you mean data.limit?',
    );
    expect(await fileError('{\n "trian": {}\n}', [], 'exp.json')).toBe(
      'exp.json:2:2: trian is not a known key.\nhint: Did you mean train?',
    );
    expect(await fileError('learningRate: 1')).toBe(
      'exp.yaml:1:1: learningRate is not a known key.\nhint: Did you mean train.learningRate?',
    );
    expect(await fileError('engine: {speed: 1}')).toBe(
      'exp.yaml:1:10: engine.speed is not a known key.\nhint: Known keys of engine: name, precision, threads, device, devices, eager, deterministic.',
    );
  });

  it.each(['seed', 'data: {limit', 'seeds: {init'])('says the bound of %s', async (key) => {
    const end = key.includes('{') ? '}' : '';
    expect(await fileError(`${key}: 12345678901234567890${end}`)).toMatch(
      /an integer of at least [01] and at most 9007199254740991, not 12345678901234567000/,
    );
  });

  it.each([
    [
      'train: {epochs: ten}',
      'exp.yaml:1:17: train.epochs must be an integer from 1 to 1000000, not "ten" (string).',
    ],
    [
      'train: {batchSize: 1.5}',
      'exp.yaml:1:20: train.batchSize must be an integer from 1 to 65536, not 1.5 (number).',
    ],
    [
      'train: {momentum: 1}',
      'exp.yaml:1:19: train.momentum must be a number of at least 0 and less than 1, not 1 (number).',
    ],
    [
      'train: {learningRate: .inf}',
      'exp.yaml:1:23: train.learningRate must be a number greater than 0, not Infinity (number).',
    ],
    [
      'seed: 12345678901234567890',
      'exp.yaml:1:7: seed must be an integer of at least 0 and at most 9007199254740991, not 12345678901234567000 (number).',
    ],
    [
      'model: {batchNorm: yes}',
      'exp.yaml:1:20: model.batchNorm must be true or false, not "yes" (string).',
    ],
    [
      'model: {hidden: [512, -1]}',
      'exp.yaml:1:23: model.hidden.1 must be an integer from 1 to 1000000, not -1 (number).',
    ],
    [
      'model: {name: vgg}',
      'exp.yaml:1:15: model.name must be one of mlp, alexnet, inception, inception-v3, resnet18, wide-resnet, cnn5, not "vgg" (string).',
    ],
    [
      'corruption: {kind: partial-labels, fraction: 1.5}',
      'exp.yaml:1:46: corruption.fraction must be a number from 0 to 1, not 1.5 (number).',
    ],
    [
      'data: {name: cifar10, split: {from: test, train: 5, test: 5}}\ncorruption: {kind: label-file, file: l.txt}',
      'exp.yaml:1:31: data.split.from is test, but label-file has labels of training examples.',
    ],
    [
      'corruption: 5',
      `exp.yaml:1:13: corruption must be one of ${KINDS}, a mapping (kind, fraction, channels, statistics, file, column, matrix, sha256) or a list of at most 8, not 5 (number).`,
    ],
    [
      'corruption:\n- gaussian\n- kind: blur',
      `exp.yaml:3:9: corruption.1.kind must be one of ${KINDS}, not "blur" (string).`,
    ],
    [
      'corruption: random-label',
      `exp.yaml:1:13: corruption must be one of ${KINDS}, a mapping (kind, fraction, channels, statistics, file, column, matrix, sha256) or a list of at most 8, not "random-label" (string).\nhint: Did you mean random-labels?`,
    ],
    [
      'data:\n',
      'exp.yaml:1:6: data has no value.\nhint: It should be a mapping (name, dir, limit, testLimit, size, crop, split, subset, stream, memory); leave the key out for its default.',
    ],
    [
      'name: a/b',
      'exp.yaml:1:7: name must be at most 80 letters, digits, ".", "_" and "-", beginning with a letter or digit, not "a/b" (string).',
    ],
    [
      '- 1',
      'exp.yaml: the config must be a mapping ($schema, name, experiment, seed, seeds, data, corruption, model, regularization, loss, train, engine, record, theory, memorization, sweep, launcher), not [1] (list).',
    ],
  ])('%j', async (text, message) => {
    expect(await fileError(text)).toBe(message);
  });

  it.each([
    '..',
    '.',
    '../x',
    '/tmp/x',
    'a/../b',
    'a\\b',
    '~',
    '-x',
    '.hidden',
    'a\u0000',
    'x\n',
    '',
  ])('refuses %j as a name, which is where results are written', async (name) => {
    const path = await configFile(JSON.stringify({ name }), 'exp.json');
    expect(await errorOf(() => loadExperiment(path), path)).toMatch(/name must be at most 80/);
    // A sweep has one name for all of its trials.
    const swept = await configFile(JSON.stringify({ sweep: { name: [name] } }), 'exp.json');
    await expect(loadExperiment(swept)).rejects.toThrow('sweep.name');
  });

  it('says where a rule between keys was broken', async () => {
    expect(await fileError('seed: 1\ncorruption: partial-labels')).toBe(
      'exp.yaml:2:1: corruption.fraction is missing: partial-labels needs a number from 0 to 1.',
    );
    expect(await fileError('model:\n  name: alexnet\n  hidden: [5]')).toBe(
      'exp.yaml:3:3: model.hidden is for mlp, and model.name is alexnet.',
    );
    expect(await fileError('model: {name: alexnet}', ['model.hidden=[5]'])).toBe(
      'override model.hidden=[5]: model.hidden is for mlp, and model.name is alexnet.',
    );
  });

  it('lists all problems at once, in the order of the lines', async () => {
    const text = 'data: {limit: 0}\ntrain:\n  epochs: 0\n  droput: 1\n';
    expect(await fileError(text, ['seed=-1'])).toBe(
      [
        '4 problems in exp.yaml:',
        '  exp.yaml:1:15: data.limit must be an integer of at least 1, not 0 (number).',
        '  exp.yaml:3:11: train.epochs must be an integer from 1 to 1000000, not 0 (number).',
        '  exp.yaml:4:3: train.droput is not a known key. Known keys of train: epochs, batchSize, learningRate, decay, decayEvery, momentum, optimizer, schedule, initGain, stop, evaluateEvery.',
        '  override seed=-1: seed must be an integer of at least 0, not -1 (number).',
      ].join('\n'),
    );
  });
});

describe('what stands elsewhere by an alias', () => {
  it('may stand under a key that is there for nothing else', async () => {
    const text =
      'base: &b { name: mlp, hidden: [8] }\ndata: { name: synthetic }\nmodel:\n  <<: *b\n  hidden: [16]\n';
    const { base } = await loadExperiment(await configFile(text));
    expect(base!.model).toMatchObject({ name: 'mlp', hidden: [16] });
    // What nothing refers to, or is only misspelt, is a mistake.
    expect(await fileError('base: &b { name: mlp }\n')).toMatch(/base is not a known key/);
    expect(await fileError('trian: &t { epochs: 3 }\ntrain: *t\n')).toMatch(
      /trian is not a known key.*\nhint: Did you mean train\?/,
    );
    expect(await fileError('base: &b { layers: 3 }\nmodel: { name: mlp, <<: *b }\n')).toMatch(
      /^exp\.yaml:1:12: model\.layers is not a known key/,
    );
  });
});

describe('overrides', () => {
  it.each([
    ['model.hidden=[512,512]', ['model.name=mlp'], ['model', 'hidden'], [512, 512]],
    ['data.limit=1000', [], ['data', 'limit'], 1000],
    ['data.dir=2024', [], ['data', 'dir'], '2024'],
    ['name=123', [], ['name'], '123'],
    [
      'regularization.augment=crop',
      [],
      ['regularization', 'augment'],
      { crop: true, flip: false, rotation: 0 },
    ],
    ['train.stop=never', [], ['train', 'stop'], null],
    ['train.learningRate=1e-3', [], ['train', 'learningRate'], 0.001],
    ['corruption={kind: partial-labels, fraction: 0.5}', [], ['corruption', 0, 'fraction'], 0.5],
    ['corruption=[gaussian, random-labels]', [], ['corruption', 1, 'kind'], 'random-labels'],
    ['corruption.kind=random-pixels', [], ['corruption', 0, 'kind'], 'random-pixels'],
  ])('%s', async (override, others, path, value) => {
    const config: unknown = await configOf({}, [override, ...others]);
    const found = path.reduce(
      (place, key) => (place as Record<string | number, unknown>)[key],
      config,
    );
    expect(found).toEqual(value);
  });

  it('reaches into corruption whichever way it was written', async () => {
    const kinds = async (corruption: unknown, override: string) =>
      (await configOf({ corruption }, [override])).corruption.map(({ kind }) => kind);
    expect(await kinds(undefined, 'corruption.kind=gaussian')).toEqual(['gaussian']);
    expect(await kinds('random-labels', 'corruption.kind=gaussian')).toEqual(['gaussian']);
    expect(await kinds({ kind: 'random-labels' }, 'corruption.kind=gaussian')).toEqual([
      'gaussian',
    ]);
    expect(await kinds(['random-labels', 'gaussian'], 'corruption.0.kind=random-pixels')).toEqual([
      'random-pixels',
      'gaussian',
    ]);
    expect(await kinds(['random-labels'], 'corruption.1=gaussian')).toEqual([
      'random-labels',
      'gaussian',
    ]);
    const partial = await configOf({ corruption: 'partial-labels' }, ['corruption.fraction=0.25']);
    expect(partial.corruption[0]).toMatchObject({ kind: 'partial-labels', fraction: 0.25 });
  });

  it('writes out a short form before changing a part of it', async () => {
    const flip = ['regularization.augment.flip=true'];
    const augmented = async (augment: string) =>
      (await configOf({ regularization: { augment } }, flip)).regularization.augment;
    expect(await augmented('none')).toEqual({ crop: false, flip: true, rotation: 0 });
    expect(await augmented('crop')).toEqual({ crop: true, flip: true, rotation: 0 });
    expect(await augmented('full')).toEqual({ crop: true, flip: true, rotation: 25 });
    expect(await augmented('imagenet')).toEqual(resolveAugment('imagenet'));
    const stopped = await configOf({ train: { stop: 'fitted' } }, ['train.stop.accuracy=0.9']);
    expect(stopped.train.stop).toEqual({ accuracy: 0.9, patience: 2 });
  });

  it('leaves strengths of 0 out, and refuses two crops', async () => {
    const config = { regularization: { augment: { crop: true, hue: 0, contrast: 0.3 } } };
    const { augment } = (await configOf(config)).regularization;
    expect(augment).toEqual({ crop: true, flip: false, rotation: 0, contrast: 0.3 });
    await expect(configOf(config, ['regularization.augment.resizedCrop=0.08'])).rejects.toThrow(
      'regularization.augment.resizedCrop cannot be given with crop: true.',
    );
  });

  it.each([
    [
      'data.limt=3',
      'override data.limt=3: data.limt is not a known key.\nhint: Did you mean data.limit?',
    ],
    [
      'seed.x=3',
      'override seed.x=3: seed.x is not a known key.\nhint: seed has no keys of its own.',
    ],
    ['epochs=3', 'override epochs=3: epochs is not a known key.\nhint: Did you mean train.epochs?'],
    [
      'data',
      'override data: an override is written key.path=value.\nhint: For example: data.name=…',
    ],
    [
      '=3',
      'override =3: an override is written key.path=value.\nhint: For example: data.limit=1000',
    ],
    [
      'data.limit=',
      'override data.limit=: data.limit has no value.\nhint: It should be an integer of at least 1; leave the key out for its default.',
    ],
    [
      'model.hidden=[1',
      'override model.hidden=[1: this is not valid YAML: Flow sequence must end with a ].',
    ],
    [
      'corruption={__proto__: 1}',
      'override corruption={__proto__: 1}: __proto__ is not allowed as a key.',
    ],
    [
      'engine.name=tensorflw',
      'override engine.name=tensorflw: engine.name must be one of auto, tensorflow, xla, wasm, not "tensorflw" (string).\nhint: Did you mean tensorflow?',
    ],
    [
      'corruption.kind=gaussian',
      'override corruption.kind=gaussian: corruption is a list.\nhint: Name the item: corruption.0.kind=…',
    ],
    [
      'corruption.3=gaussian',
      'override corruption.3=gaussian: corruption has 1 item.\nhint: The next is corruption.1.',
    ],
  ])('%s is refused', async (override, message) => {
    expect(
      await errorOf(() => loadExperiment({ corruption: ['none'] }, { overrides: [override] })),
    ).toBe(message);
  });

  it('take precedence over the environment, and that over the file', async () => {
    const env = { RETHINK_GEN_SEED: '2', RETHINK_GEN_ENGINE: 'wasm' };
    expect((await configOf({ seed: 1 })).seed).toBe(1);
    expect((await configOf({ seed: 1 }, [], env)).seed).toBe(2);
    expect((await configOf({ seed: 1 }, ['seed=3', 'seed=4'], env)).seed).toBe(4);
    expect((await configOf({}, [], env)).engine.name).toBe('wasm');
    expect((await configOf({ seed: 1 }, [], { RETHINK_GEN_SEED: '' })).seed).toBe(1);
    expect(await errorOf(() => configOf({}, [], { RETHINK_GEN_SEED: 'x' }))).toBe(
      'environment RETHINK_GEN_SEED=x: seed must be an integer of at least 0, not "x" (string).',
    );
  });

  it('never fail in another way than with a RethinkError', async () => {
    const keys = [
      'corruption',
      'corruption.0.kind',
      'train.stop.accuracy',
      'data.limit',
      'sweep.seed',
      'sweep.seeds',
      'sweep',
      'regularization.augment.crop',
      'name',
      '$schema',
      'model.hidden.0',
      '__proto__.x',
      'a.b',
    ];
    const values = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.constantFrom('gaussian', '[1]', '{kind: none}', '{seed: [1, 2]}', 'never'),
    );
    const override = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom(...keys), values).map(([key, value]) => `${key}=${value}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(override, { minLength: 1, maxLength: 3 }), async (overrides) => {
        try {
          const { trials } = await loadExperiment({}, { overrides });
          expect(trials.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RethinkError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('names and objects', () => {
  it('takes the name from the file where the config gives none', async () => {
    const named = async (file: string) =>
      (await loadExperiment(await configFile('', file))).base!.name;
    expect(await named('quick start.yaml')).toBe('quick-start');
    expect(await named('-.yaml')).toBe('run');
  });

  it('keeps what was written', async () => {
    const path = await configFile('seed: 1 # why not\n');
    expect((await loadExperiment(path)).source).toEqual({
      path,
      text: 'seed: 1 # why not\n',
      extension: 'yaml',
    });
    expect((await loadExperiment({ seed: 1 })).source).toEqual({
      path: undefined,
      text: '{\n  "seed": 1\n}\n',
      extension: 'json',
    });
  });

  it('takes objects, and refuses one that is not plain', async () => {
    expect((await configOf({ data: { limit: 3 } })).data.limit).toBe(3);
    expect(await errorOf(() => configOf({ data: { limt: 3 } }))).toBe(
      'data.limt is not a known key.\nhint: Did you mean data.limit?',
    );
    const circular: Record<string, unknown> = {};
    circular.data = circular;
    expect(await errorOf(() => configOf(circular))).toBe(
      'The config object cannot be written as JSON.\nhint: It should hold plain values only, as a config file does.',
    );
  });

  it('takes any object or says what is wrong with it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.object({
          key: fc.constantFrom(
            'sweep',
            'corruption',
            'kind',
            'data',
            'trials',
            'zip',
            'grid',
            'seeds',
            'seed',
            '__proto__',
            'name',
            'limit',
          ),
        }),
        async (object) => {
          try {
            await loadExperiment(object);
          } catch (error) {
            expect(error).toBeInstanceOf(RethinkError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

it.each([undefined, null, 3, true, () => ({})])(
  '%s is no config, and is said to be none',
  async (given) => {
    await expect(loadExperiment(given as unknown as object)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/^A config is a path, a name or an object, not /),
    });
  },
);
