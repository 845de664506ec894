import { expect, it, vi } from 'vitest';
import { RethinkError } from '../../../src/errors.js';

vi.mock('node:module', async (original) => {
  const real = await original<typeof import('node:module')>();
  const createRequire = (from: string) => {
    const require = real.createRequire(from);
    const withoutSharp = (id: string) => {
      if (id === 'sharp') throw new Error('Could not load the "sharp" module');
      return require(id);
    };
    return Object.assign(withoutSharp, require);
  };
  return { ...real, createRequire };
});

it('blames no image for a decoder that cannot be loaded', async () => {
  const { decodeImage } = await import('../../../src/data/image/decode.js');
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const size = { height: 1, width: 1, channels: 3 };
  const error = await decodeImage(png, 'cat.png', { size, fit: 'exact' }).catch((why) => why);
  expect(error).not.toBeInstanceOf(RethinkError);
  expect(String(error)).toContain('Could not load the "sharp" module');
});
