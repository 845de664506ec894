import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/helpers/vendored.mjs'],
    // Native engines hold threads and memory of their own: processes, not threads, and few of them.
    pool: 'forks',
    maxWorkers: 2,
    // Many times what the slowest takes alone: machines that run tests are busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
