/**
 * What dist holds of other packages' code. @tensorflow/tfjs-node-gpu has an install script that downloads a libtensorflow
 * of 2022, and @tensorflow/tfjs brings 200 MB of which the gradients are used: who installs this package gets neither,
 * but these files, which a checkout uses as well (`imports` in package.json).
 *
 * - `tfjs-node/`: the backend of tfjs-node-gpu in one file, the C++ of its addon, and Node's C headers to build it with
 * - `tfjs-gradients.cjs`: the gradients of tfjs-core's operations; its own package for Node comes without them
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

const TFJS_NODE = '@tensorflow/tfjs-node-gpu';
const TFJS_CORE = '@tensorflow/tfjs-core';
const PACKAGES = [TFJS_NODE, TFJS_CORE, 'node-api-headers', 'esbuild'];

/** The backend as its package registers it, with the addon at a path of ours instead of where the install script puts it. */
const TFJS_NODE_ENTRY = `
const tf = require('${TFJS_CORE}');
require('./dist/register_all_kernels');
const { NodeJSKernelBackend } = require('./dist/nodejs_kernel_backend');

exports.register = (addon) => {
  const binding = require(addon);
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '${TFJS_NODE}'), 3);
  if (!tf.setBackend('tensorflow')) throw new Error('its backend refused to start');
};
`;

/** The functions of util that it calls: newer Nodes have removed the one, and warn about the other. */
const UTIL = `
exports.isArray = Array.isArray;
exports.isNullOrUndefined = (value) => value === null || value === undefined;
`;

/** The core before its gradients: their copies of its operations then use its engine and its tensors. */
const GRADIENTS_ENTRY = `
require('${TFJS_CORE}');
require('./dist/register_all_gradients.js');
`;

/** Fills the folder `vendor` of `dist`, unless it is there and made of the same versions by the same code. */
export async function vendor(dist) {
  const folder = join(dist, 'vendor');
  const made = recipe();
  const note = join(folder, 'made-of.txt');
  if (existsSync(note) && readFileSync(note, 'utf8') === made) return;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  await bundleTfjsNode(join(fresh, 'tfjs-node'));
  await bundle(GRADIENTS_ENTRY, TFJS_CORE, join(fresh, 'tfjs-gradients.cjs'));
  writeFileSync(join(fresh, 'LICENSE'), apacheLicense());
  writeFileSync(join(fresh, 'made-of.txt'), made);
  replaceFolder(folder, fresh);
}

function replaceFolder(folder, fresh) {
  rmSync(folder, { recursive: true, force: true });
  try {
    renameSync(fresh, folder);
  } catch (error) {
    // Another process that made the same was faster.
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** What the folder is made of: the versions, and the digest of this file. */
function recipe() {
  const code = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  const versions = PACKAGES.map((name) => `${name} ${manifest(name).version}`);
  return `${[...versions, `scripts/vendor.mjs ${code.digest('hex')}`].join('\n')}\n`;
}

async function bundleTfjsNode(folder) {
  await bundle(TFJS_NODE_ENTRY, TFJS_NODE, join(folder, 'index.cjs'));
  const { name, version, license } = manifest(TFJS_NODE);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, license })}\n`);
  cpSync(join(home(TFJS_NODE), 'binding'), join(folder, 'binding'), { recursive: true });
  cpSync(join(home('node-api-headers'), 'include'), join(folder, 'include'), { recursive: true });
  cpSync(join(home('node-api-headers'), 'LICENSE'), join(folder, 'include', 'LICENSE'));
}

/** One CommonJS file of `entry`, which stands in the folder of the package `name`; tfjs-core is the consumer's own. */
async function bundle(entry, name, outfile) {
  const { build } = await import('esbuild');
  await build({
    stdin: { contents: entry, resolveDir: home(name), sourcefile: 'entry.js' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    legalComments: 'eof',
    plugins: [{ name: 'replace', setup: replaceImports }],
  });
}

function replaceImports({ onResolve, onLoad }) {
  onResolve({ filter: /^@tensorflow\/tfjs(-core)?$/ }, () => ({ path: TFJS_CORE, external: true }));
  onResolve({ filter: /^util$/ }, ({ path }) => ({ path, namespace: 'util' }));
  onLoad({ filter: /^/, namespace: 'util' }, () => ({ contents: UTIL }));
}

function home(name) {
  return dirname(require.resolve(`${name}/package.json`));
}

function manifest(name) {
  return JSON.parse(readFileSync(join(home(name), 'package.json'), 'utf8'));
}

/** tfjs' packages name their license without its text. */
function apacheLicense() {
  return readFileSync(join(home('typescript'), 'LICENSE.txt'), 'utf8');
}
