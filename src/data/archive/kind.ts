import { type OpenFile, withOpenFile } from '../../disk/reading.js';
import { RethinkError } from '../../errors.js';

/** How an archive is read: a `stream` (tar.gz) from its beginning on, in others each file by itself. */
export type ArchiveKind = 'tar' | 'stream' | 'zip';

/** First bytes, in hex, of what is read. What begins otherwise is a tar, or its reader says that it is none. */
const READ: [start: string, kind: ArchiveKind][] = [
  ['1f8b', 'stream'],
  ['504b0304', 'zip'],
  ['504b0506', 'zip'],
];

/** First bytes, in hex, of what isn't; a name, and the command that makes something of it that is. */
const OTHERS: [start: string, name: string, unpack: string][] = [
  ['fd377a585a00', 'compressed by xz', 'xz -dk'],
  ['28b52ffd', 'compressed by Zstandard', 'zstd -d'],
  ['425a68', 'compressed by bzip2', 'bzip2 -dk'],
  ['04224d18', 'compressed by LZ4', 'lz4 -d'],
  ['4c5a4950', 'compressed by lzip', 'lzip -dk'],
  ['5d0000', 'compressed by LZMA', 'xz -dk --format=lzma'],
  ['1f9d', 'compressed by compress', 'gzip -dk'],
  ['377abcaf271c', 'a 7z archive', '7z x'],
  ['52617221', 'a RAR archive', 'unrar x'],
  ['504b0708', 'a part of a split zip', 'zip -s 0 --out whole.zip'],
  ['50415231', 'a Parquet file', ''],
  ['89484446', 'an HDF5 file', ''],
];

const LONGEST = 8;

/** What a file is that is neither read nor a tar, and the command that unpacks it (empty where none does), by its first bytes. */
export function foreignKind(start: Buffer): { name: string; unpack: string } | undefined {
  const hex = start.subarray(0, LONGEST).toString('hex');
  const [, name, unpack] = OTHERS.find(([magic]) => hex.startsWith(magic)) ?? [];
  return name === undefined || unpack === undefined ? undefined : { name, unpack };
}

/**
 * What an archive is, by its first bytes.
 *
 * @throws RethinkError (`data`) naming what isn't read, and where the file can't be.
 */
export function archiveKind(path: string): ArchiveKind {
  const starts = ({ size, readInto }: OpenFile) => {
    const bytes = Buffer.alloc(Math.min(LONGEST, size));
    readInto(bytes, 0);
    return bytes;
  };
  const start = withOpenFile(path, starts, 'input');
  const hex = start.toString('hex');
  const [, kind] = READ.find(([magic]) => hex.startsWith(magic)) ?? [];
  if (kind !== undefined) return kind;
  const other = foreignKind(start);
  if (other === undefined) return 'tar';
  const { name, unpack } = other;
  const how = unpack === '' ? '' : ` Unpack it first: ${unpack} ${path}`;
  throw new RethinkError('data', `${path} is ${name}, which is not read.`, {
    hint: `A folder of images, a tar, a tar.gz or a zip is expected.${how}`,
  });
}

/**
 * Whether a tar is gzipped, and has to be read as a stream.
 *
 * @throws RethinkError (`data`) naming any other archive.
 */
export function requireTar(path: string): 'tar' | 'stream' {
  const kind = archiveKind(path);
  if (kind !== 'zip') return kind;
  throw new RethinkError('data', `${path} is a zip, and a tar or tar.gz is expected.`, {
    hint: 'Unpack it, and name what was in it.',
  });
}
