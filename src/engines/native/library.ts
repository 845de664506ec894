import koffi from '../../machine/koffi.js';

const RTLD_LAZY = 1;
const RTLD_NOW = 2;
const RTLD_GLOBAL = 0x100;
// Without it koffi or the exiting process unmaps a library whose threads still run: a crash after the last line.
const RTLD_NODELETE = 0x1000;

const self = koffi.load(null);
const dlopen: (path: string, flags: number) => bigint | null = self.func(
  'void *dlopen(const char *path, int flags)',
);
const dlerror: () => string | null = self.func('const char *dlerror()');

/**
 * Opens a native library for the life of the process.
 *
 * @param path absolute: a bare name would be looked for in the system's library folders
 * @param options `global`: libraries that are opened later may use what it exports; `lazy`: what it needs of others is
 * looked up when it is called
 * @returns its handle, for dlsym
 * @throws Error with the loader's message
 */
export function openLibrary(path: string, { global = false, lazy = false } = {}): bigint {
  const flags = (lazy ? RTLD_LAZY : RTLD_NOW) | (global ? RTLD_GLOBAL : 0) | RTLD_NODELETE;
  const handle = dlopen(path, flags);
  if (handle === null) throw new Error(dlerror() ?? `${path} can't be loaded`);
  return handle;
}
