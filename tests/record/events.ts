import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An event of a TensorBoard file, as `tensorboard` would see it. */
export interface ReadEvent {
  wallTime: number;
  step: number;
  /** `brain.Event:2` in the first event of a file. */
  version?: string;
  scalars: Record<string, number>;
}

/** CRC-32C bit by bit, straight from its definition. */
export function checksum(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const masked = (crc: number) => (BigInt((crc >>> 15) | (crc << 17)) + 0xa282ead8n) & 0xffffffffn;

/** The events of a file; throws where a frame is torn or a checksum is wrong. */
export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const event = file.subarray(at + 12, at + 12 + length);
    if (BigInt(file.readUInt32LE(at + 8)) !== masked(checksum(file.subarray(at, at + 8)))) {
      throw new Error(`a length at ${at} has a wrong checksum`);
    }
    if (BigInt(file.readUInt32LE(at + 12 + length)) !== masked(checksum(event))) {
      throw new Error(`an event at ${at} has a wrong checksum`);
    }
    events.push(parseEvent(event));
    at += 16 + length;
  }
  return events;
}

/** All events of a run directory that have numbers, in the order in which TensorBoard reads them. */
export function eventsOf(runDir: string): ReadEvent[] {
  const folder = join(runDir, 'tensorboard');
  return readdirSync(folder)
    .sort()
    .flatMap((name) => readEvents(readFileSync(join(folder, name))))
    .filter(({ version }) => version === undefined);
}

function parseEvent(event: Buffer): ReadEvent {
  const fields = parseMessage(event);
  const summary = fields.get(5) as Buffer[] | undefined;
  const values = parseMessage(summary?.[0] ?? Buffer.alloc(0)).get(1) as Buffer[] | undefined;
  const version = fields.get(3)?.[0] as Buffer | undefined;
  return {
    wallTime: (fields.get(1)![0] as Buffer).readDoubleLE(),
    step: Number(fields.get(2)?.[0] ?? 0),
    ...(version && { version: version.toString() }),
    scalars: Object.fromEntries(
      (values ?? []).map((value) => {
        const parts = parseMessage(value);
        return [String(parts.get(1)![0]), (parts.get(2)![0] as Buffer).readFloatLE()];
      }),
    ),
  };
}

/** Values by field number: integers as numbers, all else as bytes. */
function parseMessage(message: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (bytes: number): Buffer => {
    at += bytes;
    return message.subarray(at - bytes, at);
  };
  while (at < message.length) {
    const key = varint();
    const wire = key & 7;
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : varint());
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}
