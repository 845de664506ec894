import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Network } from '../../net/request.js';

/** Where this machine's pip is set up to look for packages. */
export interface PipSettings {
  /** Package indexes, in the order in which they are asked; with names and passwords. */
  indexes: string[];
  /** Folders of wheels. */
  folders: string[];
  network: Network;
}

const PYPI = 'https://pypi.org/simple';

/**
 * Reads pip's configuration as pip does for `pip download`, without starting it: its files, of which later ones prevail, in
 * each the section `global` and then `download`, and over all its variables (`PIP_INDEX_URL`).
 */
export function pipSettings(env: NodeJS.ProcessEnv = process.env): PipSettings {
  const files = configFiles(env).map(readSections);
  const settings = new Map<string, string>();
  for (const section of ['global', 'download']) {
    for (const sections of files) {
      for (const [key, value] of sections.get(section) ?? []) settings.set(key, value);
    }
  }
  for (const [name, value] of Object.entries(env)) {
    const key = /^PIP_(\w+)$/i.exec(name)?.[1];
    // pip takes an empty variable for none at all.
    if (key !== undefined && value) settings.set(normalized(key), value);
  }
  const words = (key: string) => (settings.get(key) ?? '').split(/\s+/).filter(Boolean);
  const noIndex = /^(1|y|yes|t|true|on)$/i.test(settings.get('no-index') ?? '');
  const index = settings.get('index-url') || settings.get('pypi-url') || PYPI;
  return {
    indexes: noIndex ? [] : [index, ...words('extra-index-url')],
    folders: words('find-links').flatMap(localFolder),
    network: {
      proxy: settings.get('proxy') || undefined,
      certificates: settings.get('cert') ? [settings.get('cert')!] : [],
      trustedHosts: words('trusted-host'),
    },
  };
}

/** The files that pip reads, the least important first. */
function configFiles(env: NodeJS.ProcessEnv): string[] {
  const { PIP_CONFIG_FILE: own, HOME = homedir() } = env;
  // pip's own word for 'no file at all'.
  if (own === '/dev/null') return [];
  const everybody = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').reverse();
  const environments = [env.CONDA_PREFIX, env.VIRTUAL_ENV].filter((path) => path !== undefined);
  return [
    ...everybody.map((folder) => join(folder, 'pip', 'pip.conf')),
    '/etc/pip.conf',
    join(HOME, '.pip', 'pip.conf'),
    join(env.XDG_CONFIG_HOME || join(HOME, '.config'), 'pip', 'pip.conf'),
    ...environments.map((folder) => join(folder, 'pip.conf')),
    ...(own ? [own] : []),
  ];
}

const normalized = (key: string) =>
  key.trim().toLowerCase().replaceAll('_', '-').replace(/^--/, '');

/** Keys and values by section; of a file that isn't there or can't be read, none. Values go on in indented lines. */
function readSections(path: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let last = '';
  for (const line of linesOf(path)) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const [, name] = /^\[([^\]]*)\]/.exec(line) ?? [];
    const [, key, value = ''] = /^([^\s=:][^=:]*)[=:](.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      last = '';
    } else if (/^\s/.test(line)) {
      if (last !== '') section.set(last, `${section.get(last)}\n${line.trim()}`);
    } else if (key !== undefined) {
      last = normalized(key);
      section.set(last, value.trim());
    }
  }
  return sections;
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch {
    return [];
  }
}

/** `find-links` may also name pages, which nobody needs who has an index. */
function localFolder(link: string): string[] {
  const path = link.startsWith('file:') && URL.canParse(link) ? fileURLToPath(link) : link;
  return /^\w+:\/\//.test(path) || !existsSync(path) ? [] : [path];
}
