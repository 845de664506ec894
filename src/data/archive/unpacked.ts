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
  /** Tars that were one file. */
  tars = 1;
  /** With a slash at their end. */
  readonly folders = new Set<string>();

  constructor(private readonly where: string) {}

  /** @throws RethinkError (`data`) for a hard link to what does not come before it. */
  add(
    {
      name,
      kind,
      target,
      part = 0,
    }: Pick<TarMember, 'name' | 'kind' | 'target'> & { part?: number },
    place: P,
  ): void {
    this.tars = part + 1;
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
}
