import type { AugmentConfig } from '../../config/resolve.js';
import { Random } from '../../random.js';

/** What is done to the colors of one image. All at their neutral values leave it as it is. */
export interface ColorShift {
  /** Added to every channel, as a fraction of full scale. Neutral: 0. */
  brightness: number;
  /** Distance from the channel's mean over the image is multiplied by it. Neutral: 1. */
  contrast: number;
  /** Distance from the pixel's own gray is multiplied by it. Neutral: 1. */
  saturation: number;
  /** Turn about the gray axis, in turns: a third takes red to green. Neutral: 0. */
  hue: number;
}

/** Whether an image's colors are changed. */
export function isRecolored(augment: AugmentConfig): boolean {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = augment;
  return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0;
}

/**
 * Draws the colors of one example in one epoch, each evenly from its strength below neutral to as much above it: a pure
 * function of its arguments. All four numbers are always drawn.
 *
 * @param seed `seeds.data`. @param index Source index.
 */
export function drawColors(
  { brightness = 0, contrast = 0, saturation = 0, hue = 0 }: AugmentConfig,
  seed: number,
  epoch: number,
  index: number,
): ColorShift {
  // The stream keeps its first spelling: what old configs draw stays the same.
  const random = new Random(seed, 'augment/colour', index, epoch);
  const within = (strength: number) => strength * (random.uint32() / 0x8000_0000 - 1);
  return {
    brightness: within(brightness),
    contrast: 1 + within(contrast),
    saturation: 1 + within(saturation),
    hue: within(hue),
  };
}

/**
 * Changes the colors of an image in place. Gray is the mean of the three channels, and what a color has beyond it is
 * turned and stretched. All four together are one affine map of a pixel, so that their order makes no difference; what
 * leaves 0…255 is cut there once, at the end. Images without three channels have no hue and no saturation.
 *
 * @param bytes [pixels, channels] from `from` on.
 */
export function recolor(
  bytes: Uint8Array,
  from: number,
  pixels: number,
  channels: number,
  shift: ColorShift,
): void {
  const means = channelMeans(bytes, from, pixels, channels);
  const { contrast } = shift;
  const add = shift.brightness * 255;
  const end = from + pixels * channels;
  if (channels !== 3) {
    for (let i = from; i < end; i++) {
      const mean = means[(i - from) % channels]!;
      bytes[i] = toByte(mean + contrast * (bytes[i]! - mean) + add);
    }
    return;
  }
  const [own, next, last] = turnOf(shift);
  const [r0, g0, b0] = means as [number, number, number];
  // The means turn with the rest: contrast stretches about where they come to lie.
  const addR = add + (1 - contrast) * (own * r0 + next * g0 + last * b0);
  const addG = add + (1 - contrast) * (own * g0 + next * b0 + last * r0);
  const addB = add + (1 - contrast) * (own * b0 + next * r0 + last * g0);
  const [m0, m1, m2] = [contrast * own, contrast * next, contrast * last];
  for (let i = from; i < end; i += 3) {
    const r = bytes[i]!;
    const g = bytes[i + 1]!;
    const b = bytes[i + 2]!;
    bytes[i] = toByte(m0 * r + m1 * g + m2 * b + addR);
    bytes[i + 1] = toByte(m0 * g + m1 * b + m2 * r + addG);
    bytes[i + 2] = toByte(m0 * b + m1 * r + m2 * g + addB);
  }
}

/**
 * What hue and saturation make of a channel: so much of itself, of the next one and of the last (red, green, blue and red
 * again). The matrix is that of a turn about (1, 1, 1), with what is across that axis stretched.
 */
function turnOf({ hue, saturation }: ColorShift): [own: number, next: number, last: number] {
  const along = (saturation * Math.cos(2 * Math.PI * hue)) / 3;
  const across = (saturation * Math.sin(2 * Math.PI * hue)) / Math.sqrt(3);
  return [1 / 3 + 2 * along, 1 / 3 - along - across, 1 / 3 - along + across];
}

function channelMeans(bytes: Uint8Array, from: number, pixels: number, channels: number): number[] {
  const sums = new Array<number>(channels).fill(0);
  let i = from;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) sums[c] = sums[c]! + bytes[i++]!;
  }
  return sums.map((sum) => sum / pixels);
}

/** To the nearest byte; what is out of range goes to its end. */
function toByte(value: number): number {
  if (value <= 0) return 0;
  return value >= 255 ? 255 : (value + 0.5) | 0;
}
