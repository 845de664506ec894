import { deflateRawSync } from 'node:zlib';
import { pathOnDisk } from '../../../src/disk/names.js';

/** One entry, as no well-behaved program would write some of them. */
export interface RawEntry {
  /** A folder's ends in a slash. */
  name: string;
  content?: Uint8Array;
  /** Target of a hard link, or of what `type` says. */
  linkTo?: string;
  type?: string;
  holes?: {
    sparse: 'gnu' | 'pax-0.0' | 'pax-0.1' | 'pax-1.0';
    parts: { offset: number; length: number }[];
  };
  /** Of a zip. */
  flags?: number;
  method?: number;
  mode?: number;
  /** The system that it was made on, Unix (3) where it isn't said; and a name of it in UTF-8 beside the other. */
  host?: number;
  unicodeName?: string;
}

export type TarForm = 'v7' | 'ustar' | 'gnu' | 'pax' | 'gnu-long' | 'unsigned-sum';

const bytesOf = (name: string) => Buffer.from(pathOnDisk(name));
const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
const blocks = (content: Uint8Array) =>
  Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);

/** A tar, byte by byte, in one of its forms. */
export function rawTar(entries: RawEntry[], form: TarForm = 'ustar'): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => tarEntry(entry, form)), Buffer.alloc(1024)]);
}

function tarEntry(entry: RawEntry, form: TarForm): Buffer[] {
  const { name, content = Buffer.alloc(0), linkTo = '', holes } = entry;
  const folder = name.endsWith('/');
  const type = entry.type ?? (folder ? '5' : linkTo !== '' ? '1' : '0');
  if (holes !== undefined) return sparseEntry(entry);
  const before: Buffer[] = [];
  let short = bytesOf(name);
  if (form === 'pax' || short.length > 100) {
    before.push(
      ...tarHeader({ name: 'PaxHeaders/x', type: 'x' }, paxLines([['path', bytesOf(name)]])),
    );
    short = Buffer.from('short');
  }
  if (form === 'gnu-long') {
    before.push(
      ...tarHeader({ name: '././@LongLink', type: 'L' }, Buffer.concat([short, Buffer.of(0)])),
    );
    short = short.subarray(0, 5);
  }
  const size = type === '0' ? content : Buffer.alloc(0);
  // In v7 a file's type is a zero, and a folder's too: only the slash tells it.
  const written = form === 'v7' ? (type === '1' ? '1' : '\0') : type;
  return [...before, ...tarHeader({ name: short, type: written, linkTo }, size, form)];
}

function tarHeader(
  { name, type, linkTo = '' }: { name: string | Buffer; type: string; linkTo?: string },
  content: Uint8Array,
  form: TarForm = 'ustar',
  change: (header: Buffer) => void = () => {},
): Buffer[] {
  const header = Buffer.alloc(512);
  (typeof name === 'string' ? Buffer.from(name) : name).copy(header, 0, 0, 100);
  header.write(`${octal(0o644, 8)}${octal(0, 8)}${octal(0, 8)}`, 100, 'latin1');
  if (form === 'gnu') {
    // As GNU writes what is too large for digits.
    header[124] = 0x80;
    header.writeUInt32BE(content.length, 132);
  } else {
    header.write(octal(content.length, 12), 124, 'latin1');
  }
  header.write(octal(0, 12), 136, 'latin1');
  header.write(type, 156, 'latin1');
  bytesOf(linkTo).copy(header, 157);
  if (form === 'gnu') header.write('ustar  \0', 257, 'latin1');
  else if (form !== 'v7') header.write('ustar\u000000', 257, 'latin1');
  // Times stand there, where POSIX has a name's beginning.
  if (form === 'gnu') header.write(octal(1_600_000_000, 12), 345, 'latin1');
  if (form === 'unsigned-sum') header[300] = 0xe9;
  change(header);
  header.fill(' ', 148, 156);
  let sum = header.reduce((all, byte) => all + byte, 0);
  // Old programs added signed bytes.
  if (form === 'unsigned-sum') sum -= 256;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [header, blocks(content)];
}

function paxLines(pairs: [key: string, value: string | Uint8Array][]): Buffer {
  return Buffer.concat(
    pairs.map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length++;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

function sparseEntry({ name, content, holes }: RawEntry): Buffer[] {
  const { sparse, parts } = holes!;
  const size = content!.length;
  const stored = Buffer.concat(
    parts.map(({ offset, length }) => Buffer.from(content!).subarray(offset, offset + length)),
  );
  if (sparse === 'gnu') {
    return tarHeader({ name, type: 'S' }, stored, 'ustar', (header) => {
      header.write('ustar  \0', 257, 'latin1');
      for (const [i, { offset, length }] of parts.entries()) {
        header.write(octal(offset, 12) + octal(length, 12), 386 + 24 * i, 'latin1');
      }
      header.write(octal(size, 12), 483, 'latin1');
    });
  }
  const numbers = parts.flatMap(({ offset, length }) => [offset, length]);
  const map = blocks(Buffer.from(`${[parts.length, ...numbers].join('\n')}\n`));
  const lines: Record<string, [string, string][]> = {
    'pax-0.0': [
      ['GNU.sparse.size', String(size)],
      ['GNU.sparse.numblocks', String(parts.length)],
      ...parts.flatMap(({ offset, length }): [string, string][] => [
        ['GNU.sparse.offset', String(offset)],
        ['GNU.sparse.numbytes', String(length)],
      ]),
    ],
    'pax-0.1': [
      ['GNU.sparse.name', name],
      ['GNU.sparse.size', String(size)],
      ['GNU.sparse.numblocks', String(parts.length)],
      ['GNU.sparse.map', numbers.join(',')],
    ],
    'pax-1.0': [
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', name],
      ['GNU.sparse.realsize', String(size)],
    ],
  };
  const body = sparse === 'pax-1.0' ? Buffer.concat([map, stored]) : stored;
  const placeholder = sparse === 'pax-0.0' ? name : 'train/cat/GNUSparseFile.0/x';
  return [
    ...tarHeader({ name: 'PaxHeaders/x', type: 'x' }, paxLines(lines[sparse]!)),
    ...tarHeader({ name: placeholder, type: '0' }, body),
  ];
}

/** A zip, byte by byte. */
export function rawZip(entries: RawEntry[], how: 'store' | 'deflate'): Buffer {
  const locals: Buffer[] = [];
  const table: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { name, content = Buffer.alloc(0), flags = 0, mode, method: given } = entry;
    const { host = 3, unicodeName } = entry;
    const method = given ?? (how === 'deflate' && !name.endsWith('/') ? 8 : 0);
    // What is encrypted begins with twelve bytes of its own.
    const key = Buffer.alloc(flags & 1 ? 12 : 0);
    const body = Buffer.concat([key, method === 8 ? deflateRawSync(content) : content]);
    const title = bytesOf(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc(content), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(title.length, 22);
    // A field of its own in local headers, as many programs have.
    const extra = Buffer.from('5455010000', 'hex');
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, title, extra]);
    local.writeUInt16LE(extra.length, 28);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    const start = Buffer.from(['P', 'K'].map((c) => c.charCodeAt(0)).concat([1, 2, 20, host]));
    const named = unicodeName === undefined ? Buffer.alloc(0) : unicodePath(title, unicodeName);
    const described = Buffer.from(common);
    described.writeUInt16LE(named.length, 24);
    table.push(Buffer.concat([start, described, tail, title, named]));
    locals.push(local, body);
    offset += local.length + body.length;
  }
  const directory = Buffer.concat(table);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Info-ZIP's field of a name in UTF-8; the sum is of the name that it stands for. */
function unicodePath(title: Buffer, name: string): Buffer {
  const text = Buffer.from(name);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(5 + text.length, 2);
  field[4] = 1;
  field.writeUInt32LE(crc(title), 5);
  return Buffer.concat([field, text]);
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc(data: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of data) value = (value >>> 8) ^ CRC[(value ^ byte) & 255]!;
  return ~value >>> 0;
}
