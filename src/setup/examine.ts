import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import { dirname, join } from 'node:path';
import { ENGINES, type EngineName } from '../config/engines.js';
import { PUBLISHED } from '../data/published/catalog.js';
import { describeFound, howToFetch, locateAll } from '../data/published/locate.js';
import { diskError } from '../disk/errors.js';
import { freeSpace } from '../disk/folders.js';
import { listEngines } from '../engines/index.js';
import type { EngineStatus, InstallRequirements } from '../engines/kind.js';
import { ENGINE_KINDS } from '../engines/table.js';
import { RethinkError } from '../errors.js';
import { cacheRoot } from '../machine/cache-folder.js';
import { slowBfloat16, usedInstructionSets } from '../machine/cpu.js';
import { listGpus, visibleGpus } from '../machine/gpu.js';
import { describeCpu, processMemory, programVersion } from '../machine/machine.js';
import { gigabytes } from '../text.js';
import { version } from '../version.js';

/** One thing that the doctor looked at. */
export interface Finding {
  what: string;
  /** `missing` is what a run needs and can't get itself; `optional` is what it can do without or gets itself. */
  state: 'ok' | 'optional' | 'missing';
  detail: string;
  /** The command that mends it. */
  mend?: string | undefined;
}

/** Everything the doctor looks at, in the order in which it is printed. It leaves nothing behind. */
export async function examine(dataDir: string | undefined): Promise<Finding[]> {
  const engines = await listEngines();
  const installable = await installableEngines(engines);
  return [
    ...(await versions()),
    ...(await machine()),
    ...disk(installable),
    ...(await Promise.all(installable.map(source))).flat(),
    ...installable.flatMap(tools),
    ...engines.map(engineFinding),
    ...datasets(dataDir),
  ];
}

const ok = (what: string, detail: string): Finding => ({ what, state: 'ok', detail });

async function versions(): Promise<Finding[]> {
  const npm = await programVersion('npm', ['--version']);
  return [
    ok('rethink-gen', version),
    nodeFinding(process.versions.node),
    npm ? ok('npm', npm) : { what: 'npm', state: 'optional', detail: 'not found' },
  ];
}

/** Whether a version of Node is recent enough. */
export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 9)) return ok('Node', version);
  const detail = `${version}, and 20.9 or later is needed`;
  return { what: 'Node', state: 'missing', detail, mend: 'npx node@22, or your package manager' };
}

async function machine(): Promise<Finding[]> {
  const [cpu, gpus, memory] = [describeCpu(), await listGpus(), processMemory()];
  const features = cpu.features.length > 0 ? `, ${cpu.features.join(', ')}` : '';
  const visible = await visibleGpus();
  const gpuFindings = gpus.map((gpu, index) => {
    const { name, memory, driver } = gpu;
    const hidden = visible.includes(gpu) ? '' : ', hidden by CUDA_VISIBLE_DEVICES';
    return ok(
      `GPU ${index}`,
      `${name}, ${Math.round(memory / 1024)} GiB, driver ${driver}${hidden}`,
    );
  });
  return [
    ok('system', `${type()} ${release()}, ${arch()}`),
    ok('processor', `${cpu.model}, ${cpu.threads} threads${features}`),
    ...precisions(),
    ok('memory', `${gigabytes(memory.free)} of ${gigabytes(memory.total)} free`),
    ...(gpuFindings.length > 0
      ? [...gpuFindings, ...severalGpus(gpuFindings.length)]
      : [{ what: 'GPU', state: 'optional', detail: 'no NVIDIA GPU found' } satisfies Finding]),
  ];
}

/** What can be done with more than one GPU. */
export function severalGpus(gpus: number): Finding[] {
  if (gpus === 1) return [];
  const detail = `${gpus}: engine.devices=all trains one run on all (xla), --jobs ${gpus} trials at once`;
  return [ok('GPUs', detail)];
}

/** What engine.precision may be on the CPU; nothing where that isn't known. */
function precisions(): Finding[] {
  const sets = usedInstructionSets();
  if (sets === undefined) return [];
  const slow = slowBfloat16(sets);
  if (slow === undefined) return [ok('CPU precisions', 'float32, bfloat16')];
  return [{ what: 'CPU precisions', state: 'optional', detail: `float32. ${slow}` }];
}

/** An engine that can be installed here, and what that takes; needless where it is done. */
interface Installable extends InstallRequirements {
  name: EngineName;
  installed: boolean;
}

async function installableEngines(engines: EngineStatus[]): Promise<Installable[]> {
  const gpus = await visibleGpus();
  const found = ENGINES.map(async (name) => {
    const required = await ENGINE_KINDS[name].install?.requirements(gpus);
    const installed = engines.some((engine) => engine.name === name && engine.installed);
    return required === undefined ? [] : [{ name, installed, ...required }];
  });
  return (await Promise.all(found)).flat();
}

function disk(engines: Installable[]): Finding[] {
  const root = cacheRoot();
  const refusal = whyNotWritable(root);
  if (refusal !== undefined) {
    // What is installed can be used from a folder that may only be read.
    const state = engines.every(({ installed }) => installed) ? 'optional' : 'missing';
    return [{ what: 'cache folder', state, detail: refusal.message, mend: CACHE_ELSEWHERE }];
  }
  const free = freeSpace(root);
  const detail = `${gigabytes(free)} free for ${root}`;
  const large = engines.find(({ installed, space }) => !installed && space > free);
  if (large === undefined) return [ok('disk', detail)];
  return [
    {
      what: 'disk',
      state: 'missing',
      detail: `${detail}, and installing ${large.name} takes ${gigabytes(large.space)}`,
      mend: 'export XDG_CACHE_HOME=/a/larger/disk',
    },
  ];
}

const CACHE_ELSEWHERE = 'export XDG_CACHE_HOME=/a/folder/of/yours';

/** Tries it, in the nearest folder above that is there: rights alone don't tell of quotas and read-only disks. */
function whyNotWritable(folder: string): RethinkError | undefined {
  let nearest = folder;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    rmdirSync(mkdtempSync(join(nearest, '.rethink-gen-')));
    return undefined;
  } catch (error) {
    return diskError(error, 'create', folder, 'engine');
  }
}

/** Longer than an index takes that is there. */
const INDEX_SECONDS = 15;

/** Whether the libraries of an engine can be had; needless where they are here. */
async function source({ name, installed, source }: Installable): Promise<Finding[]> {
  if (installed) return [];
  const what = `${name}, from`;
  if (process.env.RETHINK_GEN_NO_INSTALL) {
    const detail = 'nowhere: RETHINK_GEN_NO_INSTALL is set';
    return [{ what, state: 'missing', detail, mend: 'unset RETHINK_GEN_NO_INSTALL' }];
  }
  const signal = AbortSignal.timeout(INDEX_SECONDS * 1000);
  try {
    return [ok(what, await source(signal))];
  } catch (error) {
    if (!(error instanceof RethinkError)) throw error;
    const detail = signal.aborted
      ? `the package index gave no answer in ${INDEX_SECONDS} s`
      : error.message;
    return [
      { what, state: 'missing', detail, mend: `rethink-gen engine install ${name} --from DIR` },
    ];
  }
}

function tools({ tools }: Installable): Finding[] {
  return tools.map(({ name, version, mend, gain }) =>
    version === undefined
      ? { what: name, state: 'optional', detail: `not found; it is for ${gain}`, mend }
      : ok(name, version),
  );
}

function engineFinding({ name, version, device, where, problem, install }: EngineStatus): Finding {
  const what = `engine ${name}`;
  if (problem === null)
    return ok(what, [version, `on ${device}`, where].filter(Boolean).join(', '));
  const mend = install ?? undefined;
  return { what, state: 'optional', detail: `${device ?? 'gpu'}: ${problem}`, mend };
}

function datasets(dataDir: string | undefined): Finding[] {
  return Object.values(PUBLISHED).map((spec) => {
    const what = `data ${spec.name}`;
    const [found] = locateAll(spec, { dataDir });
    if (found !== undefined) return ok(what, `${describeFound(found)}, ${found.path}`);
    return { what, state: 'optional', detail: 'not found', mend: howToFetch(spec) };
  });
}
