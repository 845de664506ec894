import { narrowToGpus } from '../../machine/gpu.js';
import type { EngineContext } from '../install/context.js';
import type { Engine, EngineInfo, EngineOptions, HostState, Program } from '../types.js';
import { clientIdentity, ProgramCache } from './cache.js';
import { compilationFor, TF32_VARIABLE } from './compilation.js';
import { provideLibraries } from './cuda.js';
import { requireDevices } from './devices.js';
import { obtainPlugin } from './obtain.js';
import { PjrtClient } from './pjrt/client.js';
import { compileOptions } from './pjrt/compile-options.js';
import { PLATFORMS, requireHardware } from './platforms.js';
import type { XlaPlugin } from './plugin.js';
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
  const { device, devices = 1 } = options;
  const most = devices === 'all' ? Number.POSITIVE_INFINITY : devices;
  requireHardware(plugin.platform, plugin.path);
  const cuda = plugin.platform === 'cuda';
  if (cuda) await narrowToGpus(device, most);
  const libraries = cuda ? await provideLibraries(plugin) : [];
  const client = await PjrtClient.create(plugin.path, PLATFORMS[plugin.platform].options(), most);
  try {
    requireDevices(client, plugin, options);
    context.note?.(`PJRT plugin ${plugin.path} (${plugin.source}).`);
    if (PLATFORMS[plugin.platform].experimental) context.note?.(unproved(plugin));
    return await XlaEngine.create(client, plugin, libraries, options, context);
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
    libraries: readonly string[],
    options: EngineOptions,
    context: EngineContext,
  ): Promise<XlaEngine> {
    const note = (message: string) => context.note?.(message);
    const { target, debug, tf32, commandBuffers, prepare } = compilationFor(plugin, options);
    const { major, minor } = client.api.version;
    const info: EngineInfo = {
      name: 'xla',
      version: versionOf(client.platformVersion, `PJRT ${major}.${minor}`),
      device: plugin.platform === 'cpu' ? 'cpu' : client.deviceKind,
      precision: options.precision,
      mode: 'compiled',
      devices: client.devices.length,
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(commandBuffers === undefined ? {} : { command_buffers: commandBuffers }),
    };
    if (tf32) note(`float32 products run in TF32 (10 bits of mantissa): ${TF32_VARIABLE}=1.`);
    return new XlaEngine(info, {
      client,
      cache: new ProgramCache(client, await clientIdentity(client, libraries), note),
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

function unproved({ path, platform }: XlaPlugin): string {
  const what = platform === 'other' ? path : platform;
  return `EXPERIMENTAL: nobody has seen yet that ${what} computes what it should; compare a short run with --engine tensorflow.`;
}

/** `cuda 13000` and the like, without XLA's own decoration. */
function versionOf(platformVersion: string, api: string): string {
  const last = platformVersion.split('\n').at(-1)?.trim() ?? '';
  return last === '' || last === 'cpu' ? api : `${api}, ${last}`;
}
