import type { Raw } from 'sharp';

/** Pixels [height, width, channels], one byte each. */
export interface RawImage {
  data: Buffer;
  raw: Raw;
}

/**
 * Decodes a PPM or PGM, binary (`P5`, `P6`) or plain (`P2`, `P3`): libvips as it comes to us doesn't. Values are scaled to
 * 255 from the largest that the header names.
 *
 * @param mostPixels More are refused.
 * @throws Error for damage, as libvips' decoders do: its message is the end of a sentence.
 */
export function decodeNetpbm(bytes: Uint8Array, mostPixels: number): RawImage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString('latin1', 0, Math.min(buffer.length, 4096));
  // Between the numbers there may be comments, to the end of their lines; one character ends the last.
  const head =
    /^P([2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/.exec(text);
  if (head === null) throw new Error('its header is damaged');
  const [kind, width, height, most] = head.slice(1).map(Number) as [number, number, number, number];
  if (width < 1 || height < 1 || most < 1 || most > 65_535)
    throw new Error('its header is damaged');
  if (width * height > mostPixels) throw new Error('pixel limit');
  const channels = kind % 3 === 0 ? 3 : 1;
  const count = width * height * channels;
  const body = buffer.subarray(head[0].length);
  const wide = most > 255;
  const values =
    kind >= 5
      ? (i: number) => (wide ? body.readUInt16BE(2 * i) : body[i]!)
      : plainValues(body, count);
  if (kind >= 5 && body.length < count * (wide ? 2 : 1)) throw new Error('its data is cut off');
  const data = Buffer.alloc(count);
  for (let i = 0; i < count; i++) {
    const value = values(i);
    if (value > most) throw new Error(`a value is ${value}, and the largest is to be ${most}`);
    data[i] = Math.round((value * 255) / most);
  }
  return { data, raw: { width, height, channels } };
}

function plainValues(body: Buffer, count: number): (i: number) => number {
  const text = body.toString('latin1').replace(/#[^\n]*/g, '');
  const values = text.match(/\d+/g) ?? [];
  if (values.length < count) throw new Error('its data is cut off');
  return (i) => Number(values[i]);
}
