import { quoted } from '../../text.js';
import { refusedEntry } from './entry-name.js';
import type { TarMember } from './tar-format.js';

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

  constructor(private readonly where: string) {}

  /** @throws RethinkError (`data`) for a hard link to what does not come before it. */
  add(
    member: Pick<TarMember, 'name' | 'kind' | 'target'> & Partial<Pick<TarMember, 'part'>>,
    place: P,
  ): void {
    const { name, kind, target, part = 0 } = member;
    if (part > 0) {
      this.tars = part + 1;
      this.all ??= this.copy();
      this.all.add({ name, kind, target }, place);
    } else if (kind === 'folder') {
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
    const copy = new Unpacked<P>(this.where);
    for (const [name, place] of this.files) copy.files.set(name, place);
    for (const name of this.folders) copy.folders.add(name);
    return copy;
  }
}
