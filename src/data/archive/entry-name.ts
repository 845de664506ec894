import { RethinkError } from '../../errors.js';
import { grouped, quoted } from '../../text.js';

/** A path of Linux's, the longest of any system's. */
const LONGEST = 4096;

/**
 * The name of an archive's entry, `.` and doubled slashes taken out: only something to compare with what a reader expects,
 * but one that leads out of the archive says that the archive is not what it should be.
 *
 * @param where Names the archive in errors.
 * @throws RethinkError (`data`) for absolute names, `..`, characters that no name of a data set has, and names that no
 * disk could keep.
 */
export function safeEntryName(name: string, where: string): string {
  if (name.length > LONGEST) {
    throw refusedEntry(where, name, `has a name of ${grouped(name.length)} characters`);
  }
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) {
    throw refusedEntry(where, name, 'is absolute');
  }
  if (name.includes('\\') || name.includes('\0')) {
    throw refusedEntry(where, name, 'has a character that no name of a data set has');
  }
  // Nearly every name is plain already, and there may be millions.
  if (!/^\.|\/\.|\/\/|\/$/.test(name)) return name;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refusedEntry(where, name, "leads out of the archive by '..'");
  return parts.join('/');
}

/** An archive that is refused for one of its entries. */
export function refusedEntry(where: string, name: string, why: string): RethinkError {
  return new RethinkError('data', `${where} is refused: its entry ${quoted(name)} ${why}.`, {
    hint: 'Make the archive again without it; one that others publish, get from them again.',
  });
}
