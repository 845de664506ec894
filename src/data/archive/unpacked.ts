import { getHeapStatistics } from 'node:v8';
import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';
import { refusedEntry } from './entry-name.js';
import type { TarMember } from './tar-format.js';

/** So many files and not a byte in one of them: whatever follows, this is no archive of images. */
const MOST_EMPTY = 100_000;
/** Bytes of memory that one file takes: its name, its place, and where it belongs in a tree. */
const BYTES_OF_A_FILE = 1024;
/** What a Map can hold. */
const MOST_IN_A_MAP = 2 ** 24 - 1;

/** Bounds what a list of files costs, in an archive or a folder: a few bytes there may be hundreds here. */
export class FileCount {
  private files = 0;
  private empty = 0;

  constructor(
    private readonly where: string,
    private readonly most = mostFiles(),
  ) {}

  /**
   * Counts one more file or folder.
   *
   * @param size Its bytes; `undefined` where that isn't known.
   * @throws RethinkError (`data`) for more than fit into memory, and for a great many that are all empty.
   */
  add(size: number | undefined): void {
    this.files++;
    if (size === 0) this.empty++;
    if (this.files > this.most) {
      throw new RethinkError(
        'data',
        `${this.where} has more than ${grouped(this.most)} files, the most that fit into memory here.`,
        { hint: 'Give Node more memory: NODE_OPTIONS=--max-old-space-size=MEBIBYTES' },
      );
    }
    if (this.files === MOST_EMPTY && this.empty === this.files) {
      throw new RethinkError(
        'data',
        `${this.where} holds no images: its first ${grouped(MOST_EMPTY)} files are empty.`,
        { hint: 'Make it, copy it or get it again.' },
      );
    }
  }
}

function mostFiles(): number {
  const { heap_size_limit } = getHeapStatistics();
  return Math.min(MOST_IN_A_MAP, Math.floor(heap_size_limit / BYTES_OF_A_FILE));
}

/**
 * The files of an archive by name, as unpacking it would leave them: of a name that comes twice the last one counts, and
 * a hard link is what its name stood for by then.
 *
 * @typeParam P Where an entry's bytes are.
 */
export class Unpacked<P> {
  readonly files = new Map<string, P>();
  /** With a slash at their end. */
  readonly folders = new Set<string>();
  /** How many tars one file was. */
  tars = 1;
  /** What all of them leave, where there are several: a tar ends at its end mark, and GNU tar goes on by `--ignore-zeros`. */
  all: Unpacked<P> | undefined;

  constructor(
    private readonly where: string,
    private readonly count = new FileCount(where),
  ) {}

  /** @throws RethinkError (`data`) for a hard link to what does not come before it, and as `FileCount`. */
  add(
    member: Pick<TarMember, 'name' | 'kind' | 'size' | 'target'> & Partial<Pick<TarMember, 'part'>>,
    place: P,
  ): void {
    const { name, kind, size, target, part = 0 } = member;
    if (part > 0) {
      this.tars = part + 1;
      this.all ??= this.copy();
      this.all.add({ name, kind, size, target }, place);
      return;
    }
    // A link has no bytes of its own.
    this.count.add(kind === 'file' ? size : undefined);
    if (kind === 'folder') {
      this.folders.add(`${name}/`);
    } else if (kind === 'file') {
      this.files.set(name, place);
    } else {
      const linked = this.files.get(target!);
      if (linked === undefined) {
        const why = `is a hard link to ${quoted(target!)}, and no such file comes before it`;
        throw refusedEntry(this.where, name, why);
      }
      this.files.set(name, linked);
    }
  }

  private copy(): Unpacked<P> {
    const copy = new Unpacked<P>(this.where, this.count);
    for (const [name, place] of this.files) copy.files.set(name, place);
    for (const name of this.folders) copy.folders.add(name);
    return copy;
  }
}
