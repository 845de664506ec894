import { RethinkError } from '../../errors.js';
import { listGpus } from '../../machine/gpu.js';
import { type EngineContext, mayInstall } from '../install/context.js';
import type { Engine, EngineInfo, EngineOptions, HostState, Program } from '../types.js';
import { clientIdentity, ProgramCache } from './cache.js';
import { compilationFor, TF32_VARIABLE } from './compilation.js';
import { installXla, variantFor } from './install.js';
import { PjrtClient } from './pjrt/client.js';
import { compileOptions } from './pjrt/compile-options.js';
import type { PluginOptions } from './pjrt/named-values.js';
import { findPlugins, PLUGIN_VARIABLE, type XlaPlugin } from './plugin.js';
import { type SessionContext, XlaSession } from './session.js';

/**
 * The engine `xla`: traced steps compiled by XLA through a PJRT plugin, on a GPU where there is one, else on the CPU.
 * The plugin is that of RETHINK_GEN_PJRT_PLUGIN, one installed before, a JAX's, or is installed now.
 */
export async function createXlaEngine(
  options: EngineOptions,
  context: EngineContext,
): Promise<Engine> {
  const plugin = await obtainPlugin(context);
  // XLA's CPU client takes the size of its thread pool from here, once.
  if (options.threads !== undefined) process.env.NPROC = String(options.threads);
  const { devices = 1 } = options;
  const most = devices === 'all' ? Number.POSITIVE_INFINITY : devices;
  const client = await PjrtClient.create(plugin.path, await clientOptions(plugin, options), most);
  try {
    requireDevices(client, plugin, options);
    context.note?.(`PJRT plugin ${plugin.path} (${plugin.source}).`);
    return await XlaEngine.create(client, plugin, options, context);
  } catch (error) {
    client.close();
    throw error;
  }
}

class XlaEngine implements Engine {
  private readonly sessions = new Set<XlaSession>();
  private disposed = false;

  private constructor(
    readonly info: EngineInfo,
    private readonly shared: SessionContext,
  ) {}

  static async create(
    client: PjrtClient,
    plugin: XlaPlugin,
    options: EngineOptions,
    context: EngineContext,
  ): Promise<XlaEngine> {
    const gpu = plugin.platform === 'cuda';
    const note = (message: string) => context.note?.(message);
    const { target, debug, tf32, prepare } = compilationFor(plugin, options);
    const { major, minor } = client.api.version;
    const info: EngineInfo = {
      name: 'xla',
      version: versionOf(client.platformVersion, `PJRT ${major}.${minor}`),
      device: gpu ? client.deviceKind : 'cpu',
      precision: options.precision,
      mode: 'compiled',
      devices: client.devices.length,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    };
    if (tf32) note(`float32 products run in TF32 (10 bits of mantissa): ${TF32_VARIABLE}=1.`);
    return new XlaEngine(info, {
      client,
      cache: new ProgramCache(client, await clientIdentity(client), note),
      target,
      options: compileOptions(debug, client.deviceIds),
      prepare,
      note,
    });
  }

  async load(program: Program, state: HostState): Promise<XlaSession> {
    const session = await XlaSession.create(this.shared, program, state);
    this.sessions.add(session);
    return session;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const session of this.sessions) session.dispose();
    const settled = [...this.sessions].map((session) => session.settled());
    // What is under way holds buffers: the client goes after the last of it.
    void Promise.all(settled).then(() => this.shared.client.close());
  }
}

/** `cuda 13000` and the like, without XLA's own decoration. */
function versionOf(platformVersion: string, api: string): string {
  const last = platformVersion.split('\n').at(-1)?.trim() ?? '';
  return last === '' || last === 'cpu' ? api : `${api}, ${last}`;
}

async function clientOptions(
  plugin: XlaPlugin,
  { device, devices = 1 }: EngineOptions,
): Promise<PluginOptions> {
  if (plugin.platform === 'cpu') return {};
  const length = devices === 'all' ? (await listGpus()).length - device : devices;
  // Growing rather than taking three quarters of the memory at once: several runs may share a GPU.
  return { preallocate: false, visible_devices: Array.from({ length }, (_, i) => device + i) };
}

/** @throws RethinkError (`usage`) where there are fewer devices than asked for: a run has as many as it says. */
function requireDevices(
  { devices }: PjrtClient,
  { platform }: XlaPlugin,
  options: EngineOptions,
): void {
  const { devices: asked = 1, device: first } = options;
  if (asked === 'all' || devices.length === asked) return;
  const gpus = devices.length === 1 ? 'is one GPU' : `are ${devices.length} GPUs`;
  const there = {
    cuda: `there ${gpus} from engine.device ${first} on`,
    cpu: `the CPU is ${devices.length === 1 ? 'one device' : `${devices.length} devices`}`,
  };
  const hint = {
    cuda: 'nvidia-smi lists them, and CUDA_VISIBLE_DEVICES may hide some; engine.devices=all takes those that are there.',
    cpu: `XLA_FLAGS=--xla_force_host_platform_device_count=${asked} divides the CPU: a test of several devices, and no faster.`,
  };
  throw new RethinkError('usage', `engine.devices is ${asked}, and ${there[platform]}.`, {
    hint: hint[platform],
  });
}

/** A plugin for the best device that this machine has; never the CPU's where there is a GPU. */
async function obtainPlugin(context: EngineContext): Promise<XlaPlugin> {
  const gpus = await listGpus();
  const found = await findPlugins();
  const named = process.env[PLUGIN_VARIABLE] ? found[0] : undefined;
  const platform = gpus.length > 0 ? 'cuda' : 'cpu';
  const usable = named ?? found.find((plugin) => plugin.platform === platform);
  if (usable !== undefined) return usable;
  const variant = variantFor(gpus[0]?.driver);
  if (!mayInstall(context)) {
    throw new RethinkError(
      'failed',
      "The engine xla isn't installed, and installing is forbidden.",
      {
        hint: `Run rethink-gen engine install xla --${variant}, or name a plugin in ${PLUGIN_VARIABLE}.`,
      },
    );
  }
  return await installXla({ variant }, context);
}
