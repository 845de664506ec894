#!/usr/bin/env node
const { availableParallelism } = require('node:os');

// Images are decoded on libuv's pool of threads, of which there are four unless it is told before its first use. An ES
// module would be too late: Node reads it on that pool. What a person has set stays, and child processes inherit it.
process.env.UV_THREADPOOL_SIZE ??= String(Math.min(1024, Math.max(4, availableParallelism())));

async function start() {
  const { pathToFileURL } = require('node:url');
  const { buildIfStale } = await import('./build.mjs');
  await buildIfStale(new URL('..', pathToFileURL(__filename)));
  const cli = await import('../dist/cli/index.js');
  await cli.start();
}

start();
