import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

describe('the program for a machine with a GPU', () => {
  it('is one file of JavaScript beside koffi: it takes no other native module along', async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('../../scripts/gpu/check.ts', import.meta.url))],
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['koffi'],
      write: false,
      logLevel: 'silent',
    });
    expect(outputFiles.map(({ text }) => text.length > 1e5)).toEqual([true]);
  });
});
