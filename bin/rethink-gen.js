#!/usr/bin/env node
import { buildIfStale } from './build.js';

await buildIfStale(new URL('..', import.meta.url));
const { start } = await import('../dist/cli/index.js');
await start();
