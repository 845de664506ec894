import { isAbsolute } from 'node:path';
import { messageOf, RethinkError } from '../../../errors.js';
import koffi from '../../../machine/koffi.js';
import { openLibrary } from '../../native/library.js';
import { awaitCall, copyBytes } from '../../native/memory.js';
import { withQuietStderr } from '../../native/quiet.js';
import { loadError, pjrtError } from './errors.js';
import {
  API_HEAD,
  API_VERSION,
  type ArgsOf,
  FUNCTIONS,
  type FunctionName,
  OLDEST_MINOR,
} from './layout.js';
import { type FieldValues, Struct } from './struct.js';

interface NativeCall {
  (args: bigint): bigint | null;
  async(args: bigint, done: (error: Error | null, result: bigint | null) => void): void;
}

const prototypes = {
  call: koffi.proto('void *PjrtCall(void *args)'),
  get: koffi.proto('void *GetPjrtApi()'),
};

/** The functions of one loaded plugin. Every failure is a `RethinkError`. */
export class PjrtApi {
  readonly version: { major: number; minor: number };
  private readonly functions = new Map<FunctionName, NativeCall>();

  private constructor(
    readonly path: string,
    address: bigint,
  ) {
    const head = copyBytes(address, API_HEAD.functions);
    this.version = {
      major: head.readInt32LE(API_HEAD.major),
      minor: head.readInt32LE(API_HEAD.minor),
    };
    checkVersion(path, this.version);
    const table = copyBytes(address, Number(head.readBigUInt64LE(API_HEAD.structSize)));
    for (const [name, index] of Object.entries(FUNCTIONS) as [FunctionName, number][]) {
      const pointer = table.readBigUInt64LE(API_HEAD.functions + index * 8);
      if (pointer !== 0n) this.functions.set(name, koffi.decode(pointer, prototypes.call));
    }
  }

  /** Loads a plugin and initializes it. A plugin loaded before is the same one again. */
  static load(path: string): PjrtApi {
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const api = withQuietStderr(() => {
      const fresh = new PjrtApi(path, getPjrtApi(path));
      fresh.call('PJRT_Plugin_Initialize', {}, 'starting');
      return fresh;
    });
    loaded.set(path, api);
    return api;
  }

  /** Calls a function that returns at once. `doing` names what failed, should it: 'while …'. @returns what it filled in */
  call<F extends FunctionName>(name: F, values: FieldValues<ArgsOf<F>>, doing: string) {
    const args = argsOf(name, values);
    const error = this.function(name)(args.address);
    if (error !== null) throw this.decode(error, doing);
    return args;
  }

  /** Calls a function that may take long on another thread; the event loop stays free. */
  async callAsync<F extends FunctionName>(
    name: F,
    values: FieldValues<ArgsOf<F>>,
    doing: string,
  ): Promise<Struct<ArgsOf<F>>> {
    const args = argsOf(name, values);
    const call = this.function(name);
    const error = await awaitCall<bigint | null>(args, (done) => call.async(args.address, done));
    if (error !== null) throw this.decode(error, doing);
    return args;
  }

  /** Waits for a PJRT event and destroys it. */
  async awaitEvent(event: bigint, doing: string): Promise<void> {
    if (event === 0n) return;
    try {
      await this.callAsync('PJRT_Event_Await', { event }, doing);
    } finally {
      this.call('PJRT_Event_Destroy', { event }, doing);
    }
  }

  private function(name: FunctionName): NativeCall {
    const found = this.functions.get(name);
    if (found !== undefined) return found;
    throw new RethinkError('failed', `The PJRT plugin '${this.path}' has no ${name}.`, {
      hint: 'Install a current one: rethink-gen engine install xla.',
    });
  }

  private decode(error: bigint, doing: string): RethinkError {
    // Neither message nor destruction return an error: what a call would read of them is chance.
    const message = argsOf('PJRT_Error_Message', { error });
    this.function('PJRT_Error_Message')(message.address);
    const text = message.string('message', 'message_size');
    const code = this.call('PJRT_Error_GetCode', { error }, doing).number('code');
    this.function('PJRT_Error_Destroy')(argsOf('PJRT_Error_Destroy', { error }).address);
    return pjrtError(doing, code, text);
  }
}

const loaded = new Map<string, PjrtApi>();

function argsOf<F extends FunctionName>(name: F, values: FieldValues<ArgsOf<F>>) {
  return new Struct<ArgsOf<F>>(`${name}_Args`, values);
}

function getPjrtApi(path: string): bigint {
  // A bare name would be looked for in the system's library folders.
  if (!isAbsolute(path)) throw new Error(`a plugin is loaded by absolute path, not ${path}`);
  // XLA logs to stderr, which is the user's terminal; its failures come back as errors anyway.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const dlsym = koffi.load(null).func('void *dlsym(void *handle, const char *name)');
  const symbol: bigint | null = dlsym(open(path), 'GetPjrtApi');
  if (symbol === null) throw loadError(path, 'it exports no GetPjrtApi');
  const api: bigint | null = koffi.decode(symbol, prototypes.get)();
  if (api === null) throw loadError(path, 'GetPjrtApi returned nothing');
  return api;
}

function open(path: string): bigint {
  try {
    return openLibrary(path);
  } catch (error) {
    throw loadError(path, messageOf(error));
  }
}

function checkVersion(path: string, { major, minor }: { major: number; minor: number }): void {
  if (major === API_VERSION.major && minor >= OLDEST_MINOR) return;
  throw new RethinkError(
    'failed',
    `The PJRT plugin '${path}' speaks API version ${major}.${minor}; ${API_VERSION.major}.${OLDEST_MINOR} or later of major version ${API_VERSION.major} is needed.`,
    { hint: 'Install one that fits: rethink-gen engine install xla.' },
  );
}
