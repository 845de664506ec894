import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { RethinkError } from '../../errors.js';
import type { EngineContext } from '../install/context.js';
import { pipDownload } from '../install/pip.js';
import { checkWheel } from '../install/wheel.js';
import { PLATFORM_TAGS, PYTHON_TAG, REQUIREMENTS, SHA256, type Variant } from './wheels.js';

/** A wheel on this machine whose checksum is known and, where we know what it should be, right. */
export interface Wheel {
  path: string;
  sha256: string;
}

/**
 * The wheels of a variant, in the order of its requirements: from a folder that holds them, or from PyPI into `into`.
 */
export async function obtainWheels(
  variant: Variant,
  options: { from: string | undefined; into: string },
  context: EngineContext,
): Promise<Wheel[]> {
  const requirements = REQUIREMENTS[variant];
  const folder = options.from ?? options.into;
  if (options.from === undefined) {
    await pipDownload({
      requirements,
      into: options.into,
      python: PYTHON_TAG,
      platforms: PLATFORM_TAGS,
      onProgress: context.onProgress,
      signal: context.signal,
    });
  }
  const names = await listFolder(folder);
  const wheels: Wheel[] = [];
  for (const requirement of requirements) {
    const path = join(folder, findWheel(requirement, names, folder));
    context.onProgress?.({ what: `checking ${basename(path)}`, done: 0, total: 0, unit: 'bytes' });
    const known = SHA256[basename(path).split('-').slice(0, 3).join('-')];
    wheels.push({ path, sha256: await checkWheel(path, known, context.signal) });
  }
  return wheels;
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new RethinkError('usage', `The folder of wheels ${resolve(folder)} can't be read.`, {
      hint: 'Give an existing folder with --from, or unset RETHINK_GEN_WHEELS.',
      cause,
    });
  }
}

/** `tensorflow_cpu==2.21.0` is met by any `tensorflow_cpu-2.21.0-….whl` for x86-64, whatever its Python. */
function findWheel(requirement: string, names: string[], folder: string): string {
  const [project, version] = requirement.split('==') as [string, string];
  const prefix = `${project.replaceAll('-', '_')}-${version}-`;
  const found = names.find((name) => name.startsWith(prefix) && name.endsWith('x86_64.whl'));
  if (found !== undefined) return found;
  throw new RethinkError(
    'failed',
    `There is no wheel of ${requirement} for Linux x86-64 in ${folder}.`,
    {
      hint: `Fetch it where there is a network: python3 -m pip download --no-deps --only-binary=:all: --python-version ${PYTHON_TAG} --platform ${PLATFORM_TAGS[0]} ${requirement}`,
    },
  );
}
