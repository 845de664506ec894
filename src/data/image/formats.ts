/** What is known of a format of still images. */
interface FormatRow {
  label: string;
  /** Of file names, in lower case. */
  endings: readonly string[];
  /** Whether it is decoded here. */
  read: boolean;
  /** Whether an image begins so; of up to `FIRST_BYTES` of its bytes. */
  begins(bytes: Buffer): boolean;
}

/** As many as tell all formats apart. */
export const FIRST_BYTES = 64;

const hex = (start: string) => (bytes: Buffer) =>
  bytes.toString('hex', 0, start.length / 2) === start;
/** Of the ISO base media file format: what a file says it is, first and among others. */
const isobmff = (brand: RegExp) => (bytes: Buffer) =>
  bytes.toString('latin1', 4, 8) === 'ftyp' &&
  brand.test(bytes.toString('latin1', 8, Math.min(bytes.length, bytes.readUInt32BE(0))));
const netpbm = (kinds: RegExp) => (bytes: Buffer) => kinds.test(bytes.toString('latin1', 0, 16));

/** The formats that people keep images in. Others are no images to us: they are counted, and told. */
export const FORMATS = {
  jpeg: {
    label: 'JPEG',
    endings: ['jpg', 'jpeg', 'jpe', 'jfif', 'jif', 'jfi', 'pjpeg', 'pjp'],
    read: true,
    begins: hex('ffd8ff'),
  },
  png: { label: 'PNG', endings: ['png', 'apng'], read: true, begins: hex('89504e47') },
  webp: {
    label: 'WebP',
    endings: ['webp'],
    read: true,
    begins: (bytes) => /^RIFF.{4}WEBP/s.test(bytes.toString('latin1', 0, 12)),
  },
  gif: { label: 'GIF', endings: ['gif'], read: true, begins: hex('47494638') },
  tiff: {
    label: 'TIFF',
    endings: ['tif', 'tiff'],
    read: true,
    begins: (bytes) => /^(49492a00|4d4d002a|49492b00|4d4d002b)/.test(bytes.toString('hex', 0, 4)),
  },
  avif: { label: 'AVIF', endings: ['avif'], read: true, begins: isobmff(/avif|avis/) },
  netpbm: {
    label: 'PPM or PGM',
    endings: ['ppm', 'pgm', 'pnm'],
    read: true,
    begins: netpbm(/^P[2356]\s+[#\d]/),
  },
  bmp: {
    label: 'BMP',
    endings: ['bmp', 'dib'],
    read: false,
    // Two letters are too few; four zeros follow the size.
    begins: (bytes) => /^424d.{8}0{8}/.test(bytes.toString('hex', 0, 10)),
  },
  heic: {
    label: 'HEIC',
    endings: ['heic', 'heif', 'hif'],
    read: false,
    begins: isobmff(/hei[cxms]|hev[cxms]|mif1|msf1/),
  },
  jp2: {
    label: 'JPEG 2000',
    endings: ['jp2', 'j2k', 'jpf', 'jpx'],
    read: false,
    begins: (bytes) => /^(0000000c6a502020|ff4fff51)/.test(bytes.toString('hex', 0, 8)),
  },
  jxl: {
    label: 'JPEG XL',
    endings: ['jxl'],
    read: false,
    begins: (bytes) => /^(0000000c4a584c20|ff0a)/.test(bytes.toString('hex', 0, 8)),
  },
  bitmap: {
    label: 'PBM or PAM',
    endings: ['pbm', 'pam', 'pfm'],
    read: false,
    begins: netpbm(/^P([14]\s+[#\d]|7\n|[Ff]\n)/),
  },
  svg: { label: 'SVG', endings: ['svg', 'svgz'], read: false, begins: () => false },
} as const satisfies Record<string, FormatRow>;

export type Format = keyof typeof FORMATS;
const ALL = Object.keys(FORMATS) as Format[];
const BY_ENDING = new Map(
  ALL.flatMap((format) => FORMATS[format].endings.map((ending) => [ending as string, format])),
);

/** The formats that are decoded, for people. */
export const READ_FORMATS = ALL.filter((format) => FORMATS[format].read)
  .map((format) => FORMATS[format].label)
  .join(', ')
  .replace(/, ([^,]*)$/, ' and $1');

/**
 * The ending of a file's name, in lower case; '' where it has none. A number is none: `frame.0001` says nothing of what it
 * holds.
 */
export function endingOf(path: string): string {
  return /[^/.]\.(\d?[a-z][\w~-]{0,11})$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}

/** What a file's name says it is; `undefined` where it doesn't say. */
export function formatOfName(path: string): Format | undefined {
  return BY_ENDING.get(endingOf(path));
}

/** What a file is, by its first bytes. */
export function formatOfBytes(bytes: Uint8Array): Format | undefined {
  const { buffer, byteOffset, length } = bytes;
  const first = Buffer.from(buffer, byteOffset, Math.min(length, FIRST_BYTES));
  return ALL.find((format) => FORMATS[format].begins(first));
}

/** Whether only a file's bytes can say what it is. */
export function isUnnamed(path: string): boolean {
  return endingOf(path) === '';
}
