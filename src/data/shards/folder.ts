import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diskError } from '../../disk/errors.js';
import { ensureFolder, isTemporaryName } from '../../disk/files.js';
import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { isPack, PACK_INDEX, type PackIndex, readPackIndex } from './index-file.js';
import type { PackPlan } from './plan.js';

/** The index, shards, records of finished ones, what older versions left of any of them, and the lock. */
const OURS =
  /^((index\.json|(train|test)-\d{5}\.bin|\.(train|test)-\d{5}\.(json|bin\.\d+\.new))(\.\d+\.tmp)?|lock|\.lock(-[0-9a-f]{8}|\.\d+-[0-9a-f]{8}\.held))$/;

/** Makes the folder. @throws RethinkError: `usage` where it holds something else, `failed` where the disk refuses. */
export function openFolder(folder: string): void {
  ensureFolder(folder, 'dataset');
  const strange = namesIn(folder).find((name) => !OURS.test(name) && !isTemporaryName(name));
  if (strange === undefined) return;
  throw new RethinkError('usage', `${folder} holds other files, such as ${quoted(strange)}.`, {
    hint: 'Give --out a folder that is empty or not there yet.',
  });
}

/**
 * The index of a folder in which the plan has been carried out already.
 *
 * @throws RethinkError: `usage` where another plan has been, `data` where its index is damaged; with `force` neither.
 */
export function packedBefore(
  folder: string,
  plan: PackPlan,
  force: boolean,
): PackIndex | undefined {
  if (force || !isPack(folder)) return undefined;
  const index = readPackIndex(folder);
  if (index.plan === plan.id) return index;
  throw new RethinkError(
    'usage',
    `${folder} holds ${index.name} already, packed at ${index.size}×${index.size} from ${quoted(index.source.name)}.`,
    { hint: 'Choose another folder, or replace it with --force.' },
  );
}

/** Makes the folder ready for new shards. Nobody else may be at work in it. */
export function clearFolder(folder: string): void {
  // First of all: without it, what is there is no packed set any more.
  rmSync(join(folder, PACK_INDEX), { force: true });
  for (const name of namesIn(folder)) {
    // A killed process's: the lock is held, and no other process at work, on whatever host.
    if (/\.(new|tmp)$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw diskError(error, 'read', folder, 'dataset');
  }
}
