// Run in a process of its own: loads the native engine compiled, in the precision of the first argument; says what it is,
// what was told, and what the native environment then holds.
import { createEngine } from '../../src/engines/index.js';
import type { EngineOptions } from '../../src/engines/types.js';
import koffi from '../../src/machine/koffi.js';
import { EAGER } from '../helpers/engine.js';

const precision = process.argv[2] as EngineOptions['precision'];
const notes: string[] = [];
const engine = await createEngine(
  { ...EAGER, eager: false, precision },
  { note: (message) => notes.push(message) },
);
const getenv = koffi.load('libc.so.6').func('const char *getenv(const char *name)');
const native: string | null = getenv('TF_ENABLE_ONEDNN_OPTS');
process.stdout.write(JSON.stringify({ info: engine.info, notes, native }));
