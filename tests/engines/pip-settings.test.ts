import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pipSettings } from '../../src/engines/install/pip-settings.js';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

/** A home of a person who has nothing set up, and nothing of this machine's own. */
function home(): { root: string; env: NodeJS.ProcessEnv } {
  const root = temporaryFolder();
  return { root, env: { HOME: root, XDG_CONFIG_DIRS: join(root, 'xdg') } };
}

const index = (url: string, section = 'global') => `[${section}]\nindex-url = ${url}\n`;

describe('pip’s settings', () => {
  it('are PyPI where nothing is set up', () => {
    const { env } = home();
    const { indexes, folders, network } = pipSettings({ ...env, PIP_CONFIG_FILE: '/dev/null' });
    expect(indexes).toEqual(['https://pypi.org/simple']);
    expect(folders).toEqual([]);
    expect(network.proxy).toBeUndefined();
  });

  it('are those of the file that counts most', () => {
    const { root, env } = home();
    const first = () => pipSettings(env).indexes[0];
    // Each is more than the one before.
    const places: [string, () => void][] = [
      ['xdg/pip/pip.conf', () => {}],
      ['.pip/pip.conf', () => {}],
      ['.config/pip/pip.conf', () => {}],
      ['own/pip/pip.conf', () => Object.assign(env, { XDG_CONFIG_HOME: join(root, 'own') })],
      ['venv/pip.conf', () => Object.assign(env, { VIRTUAL_ENV: join(root, 'venv') })],
      ['named.conf', () => Object.assign(env, { PIP_CONFIG_FILE: join(root, 'named.conf') })],
    ];
    for (const [place, set] of places) {
      write(join(root, place), index(`https://${place}`));
      set();
      expect(first()).toBe(`https://${place}`);
    }
    // The command's own section counts more than the general one, in whatever file it stands.
    write(join(root, 'xdg/pip/pip.conf'), index('https://download', 'download'));
    expect(first()).toBe('https://download');
    expect(pipSettings({ ...env, PIP_INDEX_URL: 'https://variable' }).indexes).toEqual([
      'https://variable',
    ]);
    expect(pipSettings({ ...env, PIP_CONFIG_FILE: '/dev/null' }).indexes).toEqual([
      'https://pypi.org/simple',
    ]);
  });

  it('are read as pip reads them', () => {
    const { root, env } = home();
    const wheels = join(root, 'my wheels'.replace(' ', '-'));
    write(join(wheels, 'x'), '');
    write(
      join(root, '.config/pip/pip.conf'),
      [
        '; a comment',
        '[global]',
        '--Index_Url: https://me:p=1@index.example/simple',
        'extra-index-url =',
        '    https://second.example',
        '  # between',
        '    https://third.example',
        'trusted-host = index.example second.example:8443',
        `find-links = file://${wheels}`,
        '    /nowhere',
        '    https://links.example/page',
        '[install]',
        'index-url = https://not-for-downloads.example',
        'nonsense',
      ].join('\r\n'),
    );
    const { indexes, folders, network } = pipSettings({ ...env, pip_proxy: 'proxy.example:1' });
    expect(indexes).toEqual([
      'https://me:p=1@index.example/simple',
      'https://second.example',
      'https://third.example',
    ]);
    expect(folders).toEqual([wheels]);
    expect(network).toMatchObject({
      proxy: 'proxy.example:1',
      trustedHosts: ['index.example', 'second.example:8443'],
    });
  });
});
