import { grouped } from '../../text.js';
import { scanTar, type TarRange, wholeTar } from '../archive/tar-scan.js';
import { Window } from '../archive/window.js';
import { LOCAL_HEADER, localHeader } from '../archive/zip.js';

/**
 * What an image is called whose bytes begin at a place of a tar, or of a tar in it: `n01440764.tar: n01440764_18.JPEG`. The
 * headers are read again, from the first one on: for an error message, of which a run has one, and not for a table of a
 * million names.
 */
export function entryAt(path: string, offset: number, zip = false): string {
  try {
    return (zip ? nameInZip(path, offset) : find(wholeTar(path), offset)) ?? unnamed(offset);
  } catch {
    // The archive has changed meanwhile; what was wrong first is told.
    return unnamed(offset);
  }
}

function find(tar: TarRange, wanted: number): string | undefined {
  for (const { name, offset, stored: size } of scanTar(tar)) {
    if (offset === wanted) return name;
    if (wanted < offset || wanted >= offset + size) continue;
    const inside = find({ ...tar, offset, end: offset + size }, wanted);
    return inside === undefined ? undefined : `${name}: ${inside}`;
  }
  return undefined;
}

/** A local header tells its own name. */
function nameInZip(path: string, offset: number): string | undefined {
  const file = new Window(path);
  try {
    return localHeader(file.at(offset, Math.min(LOCAL_HEADER, file.size - offset)))?.name;
  } finally {
    file.close();
  }
}

function unnamed(offset: number): string {
  return `the image at byte ${grouped(offset)}`;
}
