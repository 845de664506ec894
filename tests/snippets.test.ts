import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadExperiment } from '../src/config/experiment.js';

// Documents show code that works: TypeScript compiles against the built package, YAML is a valid config. There is one kind of
// fragment: a YAML snippet whose fence says "yaml fragment" has keys that go into the config `FRAME`. A config in the command
// of a `rethink-gen run` or `validate` without a file of the reader's own is a shipped one, and takes the overrides there.

const repository = fileURLToPath(new URL('..', import.meta.url));

const FRAME = { model: { name: 'mlp' }, corruption: { kind: 'partial-labels', fraction: 0.5 } };

const WRONG = {
  at: 'here',
  language: 'ts',
  text: "import { absent } from 'rethink-gen';\nabsent();\n",
};

interface Snippet {
  /** `README.md:12`. */
  at: string;
  /** What stands behind the fence. */
  language: string;
  text: string;
}

function snippetsOf(page: string): Snippet[] {
  const file = readFileSync(join(repository, page), 'utf8');
  // An example in a docstring stands behind its asterisks.
  const text = page.endsWith('.ts') ? file.replace(/^ \* ?/gm, '') : file;
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((match) => ({
    at: `${page}:${text.slice(0, match.index).split('\n').length}`,
    language: match[1]!.trim(),
    text: match[2]!,
  }));
}

const docs = readdirSync(join(repository, 'docs')).filter((name) => name.endsWith('.md'));
const pages = [
  'README.md',
  'results/README.md',
  'src/index.ts',
  ...docs.map((name) => `docs/${name}`),
];
const snippets = pages.flatMap(snippetsOf);
const of = (...languages: string[]) =>
  snippets.filter(({ language }) => languages.includes(language));

it('every snippet with a language has one of those that are looked at here', () => {
  const known = ['', 'ts', 'yaml', 'yaml fragment'];
  expect(snippets.filter(({ language }) => !known.includes(language))).toEqual([]);
  expect([of('ts').length, of('yaml', 'yaml fragment').length].every((count) => count > 1)).toBe(
    true,
  );
});

describe('TypeScript in documents', () => {
  let diagnostics: Map<string, string[]>;
  beforeAll(() => {
    // The declarations of dist are what a program compiles against.
    const bin = join(repository, 'bin/rethink-gen.js');
    expect(spawnSync(process.execPath, [bin, '--version']).status).toBe(0);
    diagnostics = compile([...of('ts'), WRONG]);
  });

  it.each(of('ts'))('compiles: $at', ({ at }) => {
    expect(diagnostics.get(at)).toEqual([]);
  });

  it('is checked against declarations that compile themselves, without skipLibCheck', () => {
    expect(diagnostics.get('dist')).toEqual([]);
  });

  it('is told what does not compile', () => {
    expect(diagnostics.get(WRONG.at)).toEqual([
      expect.stringContaining("has no exported member 'absent'"),
    ]);
  });
});

/** What the compiler says of each snippet, as a module of its own beside package.json, by where it stands. */
function compile(given: Snippet[]): Map<string, string[]> {
  const files = new Map(given.map((snippet, i) => [join(repository, `snippet-${i}.mts`), snippet]));
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...others) => {
    const snippet = files.get(path);
    return snippet === undefined
      ? getSourceFile(path, languageVersion, ...others)
      : ts.createSourceFile(path, snippet.text, languageVersion);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const said = (file: ts.SourceFile | undefined) =>
    ts
      .getPreEmitDiagnostics(program, file)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  const declarations = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(join(repository, 'dist')));
  return new Map([
    ...[...files].map(([path, { at }]) => [at, said(program.getSourceFile(path))] as const),
    ['dist', declarations.flatMap(said)],
  ]);
}

describe('YAML in documents', () => {
  it.each(of('yaml'))('is a config: $at', async ({ text }) => {
    expect((await loadExperiment(mapping(text))).trials.length).toBeGreaterThan(0);
  });

  it.each(of('yaml fragment'))('is a part of a config: $at', async ({ text }) => {
    const { trials } = await loadExperiment({ ...FRAME, ...mapping(text) });
    expect(trials.length).toBeGreaterThan(0);
  });
});

function mapping(text: string): object {
  return parse(text) as object;
}

describe('commands in documents', () => {
  const commands = snippets
    .filter(({ language }) => language === '')
    .flatMap(({ at, text }) =>
      [...text.matchAll(/rethink-gen (?:run|validate) ([\w/.-]+)([^\n#]*)/g)].map(
        ([command, config, rest]) => ({
          at,
          command: command.trim(),
          config: config!,
          rest: rest!,
        }),
      ),
    )
    .filter(({ config }) => !config.startsWith('my.'));

  it.each(commands)(
    '$command ($at) names a config and keys that exist',
    async ({ config, rest }) => {
      const overrides = rest.split(/\s+/).filter((word) => /^[\w.]+=[^'"]/.test(word));
      expect((await loadExperiment(config, { overrides })).trials.length).toBeGreaterThan(0);
    },
  );
});
