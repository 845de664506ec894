import { createHash } from 'node:crypto';
import type { PinnedWheel } from '../../src/engines/install/pinned.js';

/** A zip archive of uncompressed files, as small as the format allows: enough to stand for a wheel. */
export function zip(files: Record<string, string | Buffer>): Buffer {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    // The central entry repeats the local one behind 'version made by'.
    entries.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, tail, Buffer.from(name)]),
    );
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();

/** A wheel of these files with its RECORD, and its row in the table of digests. */
export function makeWheel(
  file: string,
  files: Record<string, string | Buffer>,
): { content: Buffer; pinned: PinnedWheel } {
  const [name, version] = file.split('-');
  const path = `${name}-${version}.dist-info/RECORD`;
  const lines = Object.entries(files).map(
    ([entry, data]) =>
      `${entry},sha256=${sha256(data).toString('base64url')},${Buffer.from(data).length}\n`,
  );
  const record = `${lines.join('')}${path},,\n`;
  const content = zip({ ...files, [path]: record });
  const pinned = {
    file,
    bytes: content.length,
    sha256: sha256(content).toString('hex'),
    record: sha256(record).toString('hex'),
  };
  return { content, pinned };
}
