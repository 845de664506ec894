import { describe, expect, it } from 'vitest';
import { readAll, whitenedInputs } from '../../src/theory/inputs.js';

describe('whitenedInputs', () => {
  const size = { height: 4, width: 5, channels: 2 };
  const images = Uint8Array.from({ length: 2 * 40 }, (_, i) => (i * 37) % 251);

  it('takes the center, centers it and divides by its deviation', () => {
    const inputs = whitenedInputs(images, 2, size, 2);
    expect(inputs.dimension).toBe(8);
    const x = readAll(inputs).subarray(8);
    // Rows 1 and 2, columns 1 and 2 of the second image.
    const bytes = [1, 2].flatMap((y) => [...images.subarray(40 + y * 10 + 2, 40 + y * 10 + 6)]);
    const mean = bytes.reduce((a, b) => a + b) / 8;
    // In bytes; so few pixels are divided by 1/√8 of the range at least.
    const own = Math.sqrt(bytes.reduce((sum, b) => sum + (b - mean) ** 2, 0) / 8);
    const deviation = Math.max(own, 255 / Math.sqrt(8));
    for (const [k, byte] of bytes.entries())
      expect(x[k]).toBeCloseTo((byte - mean) / deviation, 12);
  });

  it('divides a flat image by 1/√d and not by zero', () => {
    const flat = whitenedInputs(new Uint8Array(40).fill(9), 1, size, 2);
    for (const value of readAll(flat)) expect(value).toBeCloseTo(0, 12);
  });
});
