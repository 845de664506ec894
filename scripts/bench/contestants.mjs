import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/rethink-gen.js', import.meta.url));
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/** In a checkout, any command compiles what has changed: before `dist` is imported. Ends the process where it can't be. */
export function compileCheckout() {
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status } = spawnSync(process.execPath, [BIN, '--version'], { stdio });
  if (status !== 0) process.exit(1);
}

/** Peers by the name of their Python package. */
const PEERS = {
  torch: {
    title: 'PyTorch',
    script: script('torch_step.py'),
    forms: ['eager-nchw', 'eager-channels_last', 'compile-nchw', 'compile-channels_last'],
  },
  jax: { title: 'JAX', script: script('jax_step.py'), forms: ['loop', 'step'] },
};
export const PEER_NAMES = Object.keys(PEERS);
export const TORCH_FORMS = PEERS.torch.forms;

/**
 * What is compared in one case: ours on each engine, then each form of each peer.
 *
 * @param {object} bench model, precision
 * @param {object} options of the command line
 * @returns {{name: string, group: string, command: string, args: string[]}[]} the group is the peer, or `ours`
 */
export function contestantsOf(bench, options) {
  return [
    ...options.engine.map((engine) => ours(engine, bench, options)),
    ...options.peers.flatMap((peer) => formsOf(peer, bench, options)),
  ];
}

function ours(engine, { model, precision }, options) {
  const args = [BIN, 'bench', '--json', '--model', model, '--engine', engine];
  args.push('--precision', precision, ...effort(options), '--rounds', '1');
  if (options.eager) args.push('--eager');
  return { name: engine, group: 'ours', command: process.execPath, args };
}

function formsOf(peer, { model, precision }, options) {
  const { title, script, forms } = PEERS[peer];
  const wanted = forms.filter((form) => options.forms.length === 0 || matches(form, options.forms));
  return formsFor(model, wanted).map((form) => {
    const args = [script, '--model', model, '--form', form, '--precision', precision];
    args.push(...effort(options), '--rounds', '1', '--device', options.device);
    if (options.tf32) args.push('--tf32');
    if (options.lrn && model === 'alexnet') args.push('--lrn', options.lrn);
    return { name: `${title} ${form}`, group: title, command: options.python, args };
  });
}

/** The forms in which a model is another program: vectors have no memory format. */
export function formsFor(model, forms) {
  return forms.filter((form) => model !== 'mlp' || !form.endsWith('channels_last'));
}

/** `eager` stands for all forms that begin with it. */
function matches(form, wanted) {
  return wanted.some((name) => form === name || form.startsWith(`${name}-`));
}

function effort({ batch, seconds, threads }) {
  const args = ['--batch', batch, '--seconds', seconds];
  return threads === undefined ? args : [...args, '--threads', threads];
}

/**
 * Lets one contestant run a round in a process of its own.
 *
 * @returns {{rate: number, title: string} | {problem: string}} the title has versions
 */
export function runRound({ command, args }, { tf32 }) {
  const env = tf32 ? { ...process.env, RETHINK_GEN_TF32: '1' } : process.env;
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error) return { problem: error.message };
  const found = stdout.split('\n').flatMap(parseLine);
  const measurement = found.find((line) => line.train_images_per_second !== undefined);
  if (measurement) {
    const { engine, peer, form, train_images_per_second: rate } = measurement;
    const ours = () => `rethink-gen ${engine.name} ${engine.version}, ${engine.mode}`;
    return { rate, title: peer ? `${peer} ${form}` : ours() };
  }
  const said = found.find(({ problem }) => problem)?.problem ?? lastLine(stderr);
  return { problem: said || (signal ?? `exit code ${status}`) };
}

/** A peer's package may print lines of its own. */
export function parseLine(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === 'object' ? [value] : [];
  } catch {
    return [];
  }
}

export function lastLine(text) {
  return text.trimEnd().split('\n').at(-1);
}

/**
 * Why a peer can't run here, in one sentence.
 *
 * @returns {string | undefined}
 */
export function missingPeer(peer, python) {
  const { error, status } = spawnSync(python, ['-c', `import ${peer}`], { stdio: 'ignore' });
  if (error) return `${python} can't be started (${error.code}): give a Python with --python.`;
  if (status === 0) return undefined;
  return `${PEERS[peer].title} is left out, ${python} has none: ${python} -m pip install ${peer}`;
}
