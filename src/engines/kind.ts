import type { EngineName, Precision } from '../config/engines.js';
import type { RethinkError } from '../errors.js';
import type { Gpu } from '../machine/gpu.js';
import type { EngineContext } from './install/context.js';
import type { Engine, EngineOptions, Program } from './types.js';

/**
 * What the program knows of an engine: a row of `ENGINE_KINDS`. `--help` reads rows, so an engine's own code and
 * libraries are loaded by the functions that need them.
 */
export interface EngineKind {
  /** For people, as the README's table says it. */
  summary: string;
  /**
   * When `auto` takes it: before all others where there is a GPU; on any machine; or where nothing else can be had,
   * because it is many times slower, which is said.
   */
  auto: 'gpu' | 'any' | 'last';
  /** Whether the theory's experiments in double precision run on it. */
  doubles: boolean;
  /** Why it never runs with these settings, whatever the machine: a `usage` error. */
  unsupported(options: EngineOptions): RethinkError | undefined;
  /** What this machine has of it: a line for each variant. Nothing is loaded to find out. */
  status(gpus: readonly Gpu[]): Promise<VariantStatus[]>;
  /** @throws RethinkError (`failed`) where this machine can't have it. */
  create(options: EngineOptions, context: EngineContext): Promise<Engine>;
  /** `null`: it comes with this package. */
  install: EngineInstaller | null;
  /** `null`: it compiles nothing that could be looked at without running it. */
  check: EngineChecker | null;
}

/** Compiles a run's programs without running them. */
export interface EngineChecker {
  /** Devices that it compiles for without having one. */
  targets: readonly string[];
  /** @throws RethinkError (`failed`) where something is missing that compiling takes. */
  open(request: CheckRequest): Promise<ProgramCompiler>;
}

export interface CheckRequest {
  /** One of the checker's; default: the device of this machine. */
  target: string | undefined;
  /** A library to compile with; default: the one that a run would take. */
  plugin: string | undefined;
  /** So many of it share every batch. */
  devices: number;
  precision: Precision;
  deterministic: boolean;
}

export interface ProgramCompiler {
  /** @throws RethinkError where the compiler refuses it. */
  compile(program: Program, part: ProgramPart): Promise<CompiledPart>;
  /** Safe to call twice. */
  close(): void;
}

/** The programs of a training: its steps, and its evaluations. */
export const PROGRAM_PARTS = ['train', 'evaluate'] as const;
export type ProgramPart = (typeof PROGRAM_PARTS)[number];

/** A program that was compiled; `null` for what isn't known of it. */
export interface CompiledPart {
  /** Of compiling. */
  seconds: number;
  memory: MemoryUse | null;
  /** Whether the state is replaced in place, not copied; `null` where the program replaces none. */
  donated: boolean | null;
  cost: StepCost | null;
  /** What the compiler made of it, for people. */
  text: string | null;
}

/** Memory of a compiled program on its device, in bytes. */
export interface MemoryUse {
  arguments: number;
  results: number;
  /** Of the results, what takes the place of arguments. */
  aliased: number;
  /** What it needs beside both while it runs. */
  temporary: number;
}

/** What the device does in each step of a compiled loop. */
export interface StepCost {
  /** Kernels that are started: those that XLA writes, and calls of cuBLAS and cuDNN. */
  kernels: number;
  /** Those of them that sum, or find the greatest. */
  reductions: number;
  /** Bytes that they read and write. */
  bytesMoved: number;
  /** Activations that are laid out anew, in a kernel of their own or within another. */
  activationTransposes: number;
  /** How often several devices exchange something: all-reduces, and whatever else they have to wait for each other for. */
  exchanges: number;
  /** Bytes that each device gives to these. */
  bytesExchanged: number;
}

export interface EngineInstaller {
  /** Command lines after `rethink-gen engine install`, and what they do. */
  examples: [args: string, note: string][];
  /** @returns The folder or file of its native library. */
  run(request: InstallRequest, context: EngineContext): Promise<string>;
  /** What `auto` takes of this machine to install it; `undefined` where it can't be installed here, or isn't needed. */
  requirements(gpus: readonly Gpu[]): Promise<InstallRequirements | undefined>;
}

/** Which libraries to fetch, and how `engine install --<target>` says it. */
export const INSTALL_TARGETS = {
  cpu: 'for the CPU, even where there is a GPU',
  cuda: 'for NVIDIA GPUs, whatever version of CUDA fits the driver',
  cuda12: 'for CUDA 12',
  cuda13: 'for CUDA 13 (xla)',
  rocm7: 'for AMD GPUs with ROCm 7 (xla; experimental, unproved)',
  tpu: 'for TPUs (xla; experimental, unproved)',
} as const;
export type InstallTarget = keyof typeof INSTALL_TARGETS;

export interface InstallRequest {
  /** Default: tensorflow for the CPU; xla for the GPU where there is one. */
  target?: InstallTarget | undefined;
  /** A library that is there already, to be used instead of one that is fetched. */
  plugin?: string | undefined;
  /** A folder of wheels instead of the package index. */
  from?: string | undefined;
  /** Install again what is there already. */
  force?: boolean | undefined;
}

export interface InstallRequirements {
  /** Bytes on the cache folder's disk. */
  space: number;
  tools: UsefulTool[];
  /** Where its libraries would be fetched from, having asked there. @throws RethinkError where they can't be had. */
  source(signal: AbortSignal): Promise<string>;
}

/** A program that is used where it is there. */
export interface UsefulTool {
  name: string;
  /** Its version; `undefined` where it isn't found. */
  version: string | undefined;
  /** The command that gets it. */
  mend: string;
  /** What it is good for; a run does without. */
  gain: string;
}

/** One variant of an engine as this machine has it, or could have it. */
export interface VariantStatus {
  installed: boolean;
  version: string | null;
  /** Folder or file of its native library. */
  where: string | null;
  /** What it would run on: `cpu` or the name of a GPU. */
  device: string | null;
  /** Why it isn't usable as it is; `null` where it is. */
  problem: string | null;
  /** The command that installs it, where that can be done. */
  install: string | null;
}

export interface EngineStatus extends VariantStatus {
  name: EngineName;
}
