import { fileSize } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';
import { takingTurns, type Watching } from '../../progress.js';
import { requireTar } from './kind.js';
import { padded } from './tar-fields.js';
import { cutTar, parseTar, type TarMember } from './tar-format.js';
import type { Holes } from './tar-sparse.js';
import { Unpacked } from './unpacked.js';
import { Window } from './window.js';

/** Where the bytes of a file lie in an uncompressed tar. */
export interface TarPlace {
  /** Where they begin in the archive's file, and how many there are. */
  offset: number;
  stored: number;
  holes?: Holes | undefined;
}

/** The part of a file that is a tar: all of it, or an entry of another tar. */
export interface TarRange {
  path: string;
  offset: number;
  end: number;
  /** Names it in errors. */
  where: string;
}

/** A whole file as a range. @throws RethinkError (`data`) where it can't be read, or is gzipped. */
export function wholeTar(path: string): TarRange {
  if (requireTar(path) === 'stream') {
    throw new RethinkError('data', `${path} is gzipped: no image in it can be read by itself.`, {
      hint: 'Pack it first: rethink-gen data pack PATH --out DIR --size N',
    });
  }
  return { path, offset: 0, end: fileSize(path) ?? 0, where: path };
}

/**
 * The entries of a tar with their places, in the archive's order: only headers are read, so a hundred gigabytes take as
 * long as their entries are many.
 *
 * @throws RethinkError (`data`) as `parseTar`.
 */
export function* scanTar(range: TarRange): Generator<TarMember> {
  for (const step of scanSteps(range)) if (typeof step !== 'number') yield step;
}

/** The same, and between them how far it is: a tar may end in a terabyte of zeros. */
function* scanSteps({ path, offset, end, where }: TarRange): Generator<TarMember | number> {
  const file = new Window(path);
  const parser = parseTar(where);
  try {
    let at = offset;
    for (let step = parser.next(); !step.done; ) {
      const { value } = step;
      if ('take' in value) {
        const n = Math.min(value.take, end - at);
        step = parser.next(file.at(at, n));
        at += n;
        yield at;
        continue;
      }
      const bytes = 'pass' in value ? value.pass : padded(value.member.stored);
      const name = 'pass' in value ? '' : value.member.name;
      if (at + bytes > end) throw cutTar(where, end - offset, name);
      if ('member' in value) yield { ...value.member, offset: at };
      at += bytes;
      step = parser.next();
    }
  } finally {
    file.close();
  }
}

/**
 * The same one after another, each when there was a turn for others.
 *
 * @throws RethinkError: `data` as `parseTar`, `interrupted`.
 */
export async function* tarMembers(
  range: TarRange,
  watching: Watching = {},
): AsyncGenerator<TarMember> {
  let done = 0;
  const amount = () => ({ done, total: range.end - range.offset, unit: 'bytes' as const });
  const turn = takingTurns(watching, `reading ${range.where}`, amount);
  for (const step of scanSteps(range)) {
    if (typeof step !== 'number') yield step;
    else done = step - range.offset;
    await turn();
  }
}

/** The files of a tar as unpacking it would leave them. @throws RethinkError (`data`) as `parseTar`. */
export async function unpackedTar(
  range: TarRange,
  watching?: Watching,
): Promise<Unpacked<TarPlace>> {
  const unpacked = new Unpacked<TarPlace>(range.where);
  for await (const member of tarMembers(range, watching)) {
    const { offset, stored, holes } = member;
    unpacked.add(member, holes === undefined ? { offset, stored } : { offset, stored, holes });
  }
  return unpacked;
}
