#!/usr/bin/env node
// Before anything else: at the first SIGUSR1 without a listener Node opens its debugger to every user of the machine, and
// SIGUSR2 would end the process. A run that is under way writes a checkpoint at either.
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => {});

const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..');

// Images are decoded on libuv's pool of threads, of which there are four unless it is told before its first use. An ES
// module would be too late: Node reads it on that pool. What a person has set stays, and child processes inherit it.
process.env.UV_THREADPOOL_SIZE ??= String(Math.min(1024, Math.max(4, threads())));

/** What of the machine this process may use, as far as that can be known before dist is built. */
function threads() {
  try {
    return require('../dist/machine.cjs').processThreads();
  } catch {
    return require('node:os').availableParallelism();
  }
}

async function start() {
  // A checkout has the sources of all; an installed package has what was compiled when it was packed.
  if (existsSync(join(root, 'src', 'cli', 'index.ts'))) {
    const { buildIfStale } = await import(pathToFileURL(join(root, 'scripts', 'build.mjs')));
    await buildIfStale(root);
  } else if (!existsSync(join(root, 'dist', 'cli', 'index.js'))) {
    console.error(`error: this rethink-gen was packed without its compiled code: ${join(root, 'dist')} is missing.
hint: Install it from a package that npm run package has made in a checkout.`);
    process.exit(1);
  }
  const cli = await import('../dist/cli/index.js');
  await cli.start();
}

start().catch((error) => {
  // Modules are read many at a time. Later on, src says it.
  if (!['EMFILE', 'ENFILE'].includes(error.code) && !isThere(error)) throw error;
  const whose = error.code === 'ENFILE' ? 'this machine' : 'this process';
  console.error(`error: rethink-gen can't start: too many files are open in ${whose}${openFiles()}.
hint: Raise the limit, then run the command again: ulimit -n 4096`);
  process.exit(1);
});

/** Whether a package that Node.js could not find is there: it says so, too, where it could not open the package's files. */
function isThere({ code, message }) {
  const [, path] = /^Cannot find package '(.+?)'/.exec(message) ?? [];
  return code === 'ERR_MODULE_NOT_FOUND' && path !== undefined && existsSync(dirname(path));
}

/** The limit that holds, in words. Asked of the process, not of /proc: there is no file left to read that with. */
function openFiles() {
  process.report.excludeNetwork = true;
  const { soft } = process.report.getReport().userLimits?.open_files ?? {};
  return soft === undefined ? '' : ` (at most ${soft})`;
}
