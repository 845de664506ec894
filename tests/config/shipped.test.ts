import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { isConfigName, loadConfigFile } from '../../src/config/file/load.js';
import { shippedConfigs, shippedSummary } from '../../src/config/file/shipped.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const checkout = process.cwd();
afterEach(() => process.chdir(checkout));

/** As somebody in an empty folder sees it. */
function elsewhere(): string {
  const folder = temporaryFolder();
  process.chdir(folder);
  return folder;
}

describe('the shipped configs', () => {
  it.each(shippedConfigs())(
    '%s is found by name from any folder, is valid, and names the schema',
    async (name) => {
      elsewhere();
      const { source, trials } = await loadExperiment(name);
      expect(trials.length).toBeGreaterThan(0);
      expect(source.path).toMatch(new RegExp(`/configs/${name}\\.(yaml|json)$`));
      expect(source.text).toMatch(/schema(=|": ")\.{1,2}\/schema\.json/);
      expect(isConfigName(name)).toBe(true);
    },
  );

  it.each(shippedConfigs())(
    '%s says in a line what it is about, and nothing of where this checkout is',
    (name) => {
      expect(shippedSummary(name)).toMatch(/^.{10,130}$/);
    },
  );

  it('hold no path of their own: they mean the same from every folder', () => {
    for (const name of shippedConfigs()) {
      const path = fileURLToPath(new URL(`../../configs/${name}`, import.meta.url));
      const text = ['yaml', 'json'].map((end) => read(`${path}.${end}`)).join('');
      expect(text).not.toMatch(/^[^#]*\b(dir|file|matrix)\b['"]?:/m);
    }
  });

  it('stand behind a file of the user, and before a folder', async () => {
    const folder = elsewhere();
    mkdirSync(join(folder, 'quickstart'));
    expect((await loadConfigFile('quickstart')).path).toMatch(/configs\/quickstart\.yaml$/);
    mkdirSync(join(folder, 'paper'));
    writeFileSync(join(folder, 'paper', 'table1'), 'seed: 3');
    expect(isConfigName('paper/table1')).toBe(false);
    await expect(loadConfigFile('paper/table1')).rejects.toThrow(
      'paper/table1 is not called .yaml, .yml or .json.',
    );
  });

  it.each([
    ['quikstart', 'Did you mean quickstart?'],
    ['Quickstart', 'Did you mean quickstart?'],
    ['quickstart.yaml', 'Did you mean quickstart?'],
    ['configs/random-labels.json', 'Did you mean random-labels?'],
    ['./configs/paper/table1.yml', 'Did you mean paper/table1?'],
    ['tabel1', 'Did you mean paper/table1?'],
    ['paper/figure1', 'Did you mean paper/figure1a?'],
    ['schema', /^These come with rethink-gen: .*, paper\/table1, .*, quickstart, /],
    ['__proto__', /^These come with/],
    ['../configs', /^These come with/],
    ['', /^These come with/],
  ])('%j is none of them: the nearest is named', async (name, hint) => {
    elsewhere();
    await expect(loadConfigFile(name)).rejects.toMatchObject({
      kind: 'usage',
      message: `There is no ${name}.`,
      hint: expect.stringMatching(hint),
    });
  });
});

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
