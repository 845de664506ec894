import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../src/config/experiment.js';
import { expandHome } from '../../src/config/paths.js';
import { locatedConfig, placesOf, startedHere } from '../../src/config/places.js';
import { missing } from '../../src/run/inspect.js';

describe('a path that begins with ~', () => {
  it('is of the home folder, and no other is', () => {
    expect(expandHome('~')).toBe(homedir());
    expect(expandHome('~/data/set')).toBe(join(homedir(), 'data/set'));
    for (const path of ['/~/data', 'data/~', '~other/data', './~/data', '']) {
      expect(expandHome(path)).toBe(path);
    }
  });

  it('is found from there, in every key and from every folder, and stays as it is in the config', async () => {
    const { trials } = await loadExperiment(
      {
        data: { name: 'imagetree' },
        corruption: { kind: 'label-file', file: '~/labels.txt' },
        loss: { correction: 'forward', transition: 'file', file: '~/t.json' },
      },
      { overrides: ['data.dir=~/data'] },
    );
    const { config } = trials[0]!;
    const found = {
      'data.dir': join(homedir(), 'data'),
      'corruption.0.file': join(homedir(), 'labels.txt'),
      'loss.file': join(homedir(), 't.json'),
    };
    expect(placesOf(config)['data.dir']).toBe('~/data');
    for (const folder of [process.cwd(), '/elsewhere']) {
      expect(placesOf(locatedConfig(config, { folder, moved: {} }))).toEqual(found);
    }
    const given = locatedConfig(config, startedHere(), () => true);
    expect(placesOf(given)).toEqual(found);
    const moved = { 'data.dir': { from: '~/data', to: '~/other' } };
    expect(placesOf(locatedConfig(config, { folder: '/', moved }))['data.dir']).toBe(
      join(homedir(), 'other'),
    );
  });

  it('is named expanded by a dry run that misses it', async () => {
    const { trials } = await loadExperiment({
      data: { name: 'imagetree', dir: '~/no-such-folder-anywhere' },
      model: { name: 'mlp', hidden: [4] },
      engine: { name: 'wasm' },
    });
    const sentences = await missing(trials[0]!.config, undefined);
    expect(sentences[0]).toContain(join(homedir(), 'no-such-folder-anywhere'));
  });
});
