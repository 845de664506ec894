import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { loadConfigFile } from '../../src/config/file/load.js';
import { RethinkError } from '../../src/errors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { configFile, errorOf } from './helpers.js';

/** The error of loading a file with this text. */
async function loadError(text: string | Uint8Array, name = 'exp.yaml'): Promise<string> {
  const path = await configFile(text, name);
  return errorOf(() => loadConfigFile(path), path);
}

describe('reading a config file', () => {
  it('reads YAML 1.2: only true and false are booleans, 0o7 is seven', async () => {
    const path = await configFile('a: no\nb: 0o7\nc: true\nd: 1e-3\n');
    const config = await loadConfigFile(path);
    expect(config.value).toEqual({ a: 'no', b: 7, c: true, d: 0.001 });
    expect(config.extension).toBe('yaml');
  });

  it('expands aliases', async () => {
    const path = await configFile('a: &x [1, 2]\nb: *x\n');
    expect((await loadConfigFile(path)).value).toEqual({ a: [1, 2], b: [1, 2] });
  });

  it('takes an alias for the last anchor of its name above it', async () => {
    const path = await configFile('a: &y 1\nb: &x [*y, &z 3]\nc: &y 2\nd: *x\ne: *y\nf: *z\n');
    const { value } = await loadConfigFile(path);
    expect(value).toEqual({ a: 1, b: [1, 3], c: 2, d: [1, 3], e: 2, f: 3 });
  });

  it('merges mappings by <<, what is written out before what is merged', async () => {
    const base = 'a: &a { x: 1, y: 2 }\nb: &b { y: 3, z: 4 }\n';
    const merged = async (text: string) => {
      const { value, locate } = await loadConfigFile(await configFile(base + text));
      return { ...(value as Record<string, unknown>), at: locate(['c', 'x'], 'value') };
    };
    expect(await merged('c:\n  <<: *a\n  y: 5\n')).toMatchObject({
      c: { x: 1, y: 5 },
      at: '1:12',
    });
    // Wherever it stands, in a list of which the first goes before, written out, or of what is merged itself.
    expect(await merged('c: { y: 5, <<: *a }\n')).toMatchObject({ c: { x: 1, y: 5 } });
    expect(await merged('c: { <<: [*a, *b] }\n')).toMatchObject({ c: { x: 1, y: 2, z: 4 } });
    expect(await merged('c: { <<: { x: 6 } }\n')).toMatchObject({ c: { x: 6 } });
    expect(await merged('d: &d { <<: *a, x: 7 }\nc: { <<: *d }\n')).toMatchObject({
      c: { x: 7, y: 2 },
    });
    // In quotes, and in JSON, it is a key like others.
    expect(await merged('c: { "<<": *a }\n')).toMatchObject({ c: { '<<': { x: 1, y: 2 } } });
    const json = await loadConfigFile(await configFile('{"c": {"<<": {"x": 1}}}', 'a.json'));
    expect(json.value).toEqual({ c: { '<<': { x: 1 } } });
  });

  it.each([
    ['a: { <<: 5 }\n', /:1:10: << takes a mapping, or a list of mappings/],
    ['a: { <<: [5] }\n', /:1:10: << takes a mapping/],
    ['a: { <<: *b }\n', /\*b is not defined above/],
    ['a: &a { <<: *a }\n', /\*a contains itself/],
    ['a: { <<: {x: 1}, <<: {y: 1} }\n', /a\."<<" is given twice/],
  ])('refuses the merge %j', async (text, message) => {
    expect(await loadError(text)).toMatch(message);
  });

  it('takes a byte-order mark and an empty file', async () => {
    expect((await loadConfigFile(await configFile('\ufeff{"a": 1}', 'a.json'))).value).toEqual({
      a: 1,
    });
    expect((await loadConfigFile(await configFile('# nothing yet\n'))).value).toBeNull();
  });

  it('knows where keys and values stand, and what is nearest to an absent one', async () => {
    const config = await loadConfigFile(
      await configFile('data:\n  limit: 5\nlist:\n  - a\n  - {b: 1}\n'),
    );
    expect(config.locate(['data', 'limit'], 'key')).toBe('2:3');
    expect(config.locate(['data', 'limit'], 'value')).toBe('2:10');
    expect(config.locate(['list', 1, 'b'], 'value')).toBe('5:9');
    expect(config.locate(['data', 'size'], 'key')).toBe('1:1');
    expect(config.locate(['nothing'], 'key')).toBeUndefined();
  });

  it('reads any JSON as JSON.parse does', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'any.json');
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue({ maxDepth: 4 }),
        fc.constantFrom(0, 2, '\t'),
        async (value, indent) => {
          await writeFile(path, JSON.stringify(value, null, indent));
          const loaded = await loadConfigFile(path).catch((error: unknown) => {
            // Forbidden names are the one thing that is valid JSON and refused.
            expect(String(error)).toMatch(/is not allowed as a key/);
            return undefined;
          });
          if (loaded) expect(loaded.value).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('turns any text into a value or a RethinkError', async () => {
    const folder = temporaryFolder();
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '\n',
      '  ',
      '&x ',
      '*x',
      '!t ',
      '"',
      "'",
      '|',
      '\t',
      '#',
      '1',
      '? ',
      '%',
      '---',
      '\u0000',
      '😀',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((p) => p.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('x.yaml', 'x.json'), async (content, name) => {
        const path = join(folder, name);
        await writeFile(path, content);
        try {
          await loadConfigFile(path);
        } catch (error) {
          expect(error).toBeInstanceOf(RethinkError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('refusing a config file', () => {
  it.each([
    [
      'a: [1,\nb: 2',
      'exp.yaml:2:1: this is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
    ],
    [
      'data:\n\tlimit: 1',
      'exp.yaml:2:1: this is not valid YAML: Tabs are not allowed as indentation.',
    ],
    ['a: 1\nb: 2\na: 3', 'exp.yaml:3:1: a is given twice.'],
    ['data:\n  limit: 1\n  limit: 1', 'exp.yaml:3:3: data.limit is given twice.'],
    ['a: {__proto__: {polluted: 1}}', 'exp.yaml:1:5: a.__proto__ is not allowed as a key.'],
    ['constructor: 1', 'exp.yaml:1:1: constructor is not allowed as a key.'],
    ['a: *b', 'exp.yaml:1:4: *b is not defined above.'],
    ['a: &x [*x]', 'exp.yaml:1:8: *x contains itself.'],
    ['? [1, 2]\n: 3', 'exp.yaml:1:3: a key must be a name.'],
    ['a: 1\n---\nb: 2', 'exp.yaml:2:1: a config is one document: take out the "---".'],
    [
      'a: !python/object 1',
      'exp.yaml:1:4: Unresolved tag: !python/object.\nhint: A config takes plain values; quote a text that begins with "!".',
    ],
    [
      new Uint8Array([0x61, 0x3a, 0xff]),
      'exp.yaml: this is not UTF-8 text.\nhint: Save the file as UTF-8.',
    ],
  ])('%j', async (text, message) => {
    expect(await loadError(text)).toBe(message);
  });

  it.each([
    ['{"a": 1,}', 'exp.json:1:9: this is not JSON from "}" on.'],
    ['{"a": [1, 2}', 'exp.json:1:12: this is not JSON from "}" on.'],
    ['{\n  // no\n}', 'exp.json:2:3: this is not JSON from "/" on.'],
    ["{'a': 1}", 'exp.json:1:2: this is not JSON from "\'" on.'],
    ['{"a": 01}', 'exp.json:1:8: this is not JSON from "1" on.'],
    ['{"a" 1}', 'exp.json:1:6: this is not JSON from "1" on.'],
    ['{"a": 1} x', 'exp.json:1:10: this is not JSON from "x" on.'],
  ])('%s as JSON', async (text, message) => {
    const [first, hint] = (await loadError(text, 'exp.json')).split('\n');
    expect(first).toBe(message);
    expect(hint).toBe(
      'hint: JSON takes no comments, no trailing commas and only double quotes; a .yaml file is more forgiving.',
    );
  });

  it('says that JSON ends too early', async () => {
    expect(await loadError('{"a": [1,\n', 'exp.json')).toBe(
      'exp.json:2:1: the JSON ends too early.',
    );
  });

  it('refuses aliases that would fill the memory', async () => {
    const lines = ['a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg']) {
      lines.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`);
    }
    expect(await loadError(lines.join('\n'))).toMatch(
      /exp\.yaml:\d+:\d+: the aliases expand to more than 100,000 values\./,
    );
  });

  it.each([
    ['aliases', `a: &a 1\nb: [${'*a,'.repeat(43_000)}1]`],
    ['unknown keys', Array.from({ length: 11_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['unknown keys of one mapping', `data: {${'a1: 1, '.repeat(18_000)}}`],
    ['a long key', `${'k'.repeat(130_000)}: 1`],
    ['closing brackets', ']'.repeat(131_000)],
    ['tags', '!t '.repeat(43_000)],
    ['anchors', '& '.repeat(65_000)],
    ['directives', '%A\n'.repeat(43_000)],
    ['nested brackets', `${'['.repeat(65_000)}${']'.repeat(65_000)}`],
    ['documents', '---\n'.repeat(32_000)],
    ['a long list of labels', `sweep: {seed: [${'1,'.repeat(65_000)}]}`],
  ])('reads or refuses %s without end in linear time', async (_what, text) => {
    for (const name of ['exp.yaml', 'exp.json']) {
      const path = await configFile(text, name);
      const start = process.cpuUsage();
      await loadExperiment(path).catch((error: unknown) => {
        expect(error).toBeInstanceOf(RethinkError);
      });
      const { user, system } = process.cpuUsage(start);
      // Quadratic time is minutes here: a bound for a slow machine, not for speed.
      expect((user + system) / 1e6).toBeLessThan(10);
    }
  });

  it.each([
    ['[', 'exp.yaml'],
    ['{a: ', 'exp.yaml'],
    ['- ', 'exp.yaml'],
    ['[', 'exp.json'],
    ['{"a":', 'exp.json'],
  ])('refuses nesting without end: %s in %s', async (opening, name) => {
    expect(await loadError(opening.repeat(25_000), name)).toMatch(
      /^exp\.(yaml|json):\d+:\d+: (values are nested too deeply|the JSON ends too early)\.$/,
    );
  });

  it('refuses more than 128 KiB', async () => {
    expect(await loadError(`# ${'x'.repeat(128 * 1024)}`)).toBe(
      'exp.yaml has 131074 bytes; a config has at most 131072.',
    );
  });

  it('refuses other names and folders', async () => {
    expect(await loadError('a: 1', 'exp.txt')).toBe(
      'exp.txt is not called .yaml, .yml or .json.\nhint: A config is YAML or JSON, and its name says which.',
    );
    const folder = temporaryFolder();
    await mkdir(join(folder, 'run.yaml'));
    const path = join(folder, 'run.yaml');
    expect(await errorOf(() => loadConfigFile(path), path)).toBe(
      'run.yaml is a folder, not a config file.\nhint: A run directory goes on with: rethink-gen resume RUN_DIR',
    );
  });

  it('names similar files where there is none', async () => {
    const path = await configFile('', 'quickstart.yaml');
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const load = (name: string) => errorOf(() => loadConfigFile(folder + name), path);
    expect(await load('quikstart.yaml')).toBe(
      'There is no quikstart.yaml.\nhint: Did you mean quickstart.yaml?',
    );
    expect(await load('other.yaml')).toBe(
      'There is no other.yaml.\nhint: Config files there: quickstart.yaml.',
    );
    expect(await load('absent/x.yaml')).toBe(
      'There is no absent/x.yaml: there is no folder absent.\nhint: Make a config with: rethink-gen init -o my.yaml',
    );
  });
});
