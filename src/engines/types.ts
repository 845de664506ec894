import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { EngineName, Precision } from '../config/engines.js';

/** A tensor on the host. */
export interface HostTensor {
  shape: number[];
  data: Float32Array;
}

/**
 * All state of a run, by name, in the program's order: `param/<name>`, what the optimizer keeps (`velocity/<name>` …), `statistic/<name>`,
 * and what a loss remembers of every training example (`example/<name>`).
 * Every engine starts from these bits and can give them back.
 */
export type HostState = Record<string, HostTensor>;

/** The same state as tensors of one backend. */
export type State = Record<string, Tensor>;

export interface StateSpec {
  name: string;
  shape: number[];
}

/** What a step is given beside images, labels, masks and the learning rate. */
export interface ExtraSpec {
  name: string;
  dtype: 'float32' | 'int32';
  /** One number for each example of the batch, [batch]; else one for the step, a scalar. */
  byExample: boolean;
}

/** Shape of a step's. */
export function extraShape({ byExample }: ExtraSpec, batchSize: number): number[] {
  return byExample ? [batchSize] : [];
}

/** Inputs of one training step, as tensors. */
export interface TrainInputs {
  /** [batch, height, width, channels], bytes as int32 or float32. */
  images: Tensor4D;
  /** [batch], int32. */
  labels: Tensor1D;
  /** [batch, units] float32, by mask name. */
  masks: Record<string, Tensor2D>;
  /** By name. */
  extras: Record<string, Tensor>;
  learningRate: Scalar;
}

export interface TrainOutputs {
  /** The state after the step, should it be finite; an engine keeps the old one otherwise. */
  state: State;
  /** Mean of what is minimized over the batch before the step, without weight decay. */
  loss: Scalar;
  /** How many of the batch were classified right before the step (int32). */
  correct: Scalar;
  /** Whether loss and gradient are finite (bool). */
  finite: Scalar;
}

export interface EvalOutputs {
  /** Cross-entropy of each example, [batch]. */
  loss: Tensor1D;
  /** Class of the greatest logit, [batch], int32. */
  prediction: Tensor1D;
  /** How many classes come before the label, [batch], int32: 0 where the prediction is right. See `labelRank`. */
  rank: Tensor1D;
  /** Logit of the label minus the greatest other one, [batch]; of a program that was made with it. See `labelMargin`. */
  margin?: Tensor1D;
  /** Softmax, [batch, classes]. */
  probabilities: Tensor2D;
}

/**
 * A training step and an evaluation step as pure functions over tfjs-core ops: no variables, no random numbers, no
 * reads. An engine runs them op by op or traces them once and compiles them.
 */
export interface Program {
  /** [height, width, channels] of a batch's images. */
  imageShape: [number, number, number];
  classes: number;
  batchSize: number;
  evalBatchSize: number;
  /** Evaluation batches for whose layers there is memory at once: an engine may have so many under way. */
  evalAtOnce: number;
  state: StateSpec[];
  masks: { name: string; units: number }[];
  extras: readonly ExtraSpec[];
  trainStep(state: State, inputs: TrainInputs): TrainOutputs;
  evalStep(state: State, images: Tensor4D, labels: Tensor1D): EvalOutputs;
}

/** K training steps' worth of inputs, in order, contiguous. */
export interface TrainChunk {
  steps: number;
  /** [steps, batch, height, width, channels]. */
  images: Uint8Array;
  /** [steps, batch]. */
  labels: Int32Array;
  /** [steps, batch, units] each: 0 or 1; the program scales by 1/(1 − rate). */
  masks: Record<string, Uint8Array>;
  /** [steps, batch] or [steps] each, as the program's say. */
  extras: Record<string, Float32Array | Int32Array>;
  /** [steps]. */
  learningRates: Float32Array;
}

/** What K steps say of themselves, each array [steps]. */
export interface StepMetrics {
  loss: Float32Array;
  correct: Int32Array;
  /** 0 where the step was not finite and the state was left as it was. */
  finite: Uint8Array;
}

/** Examples to evaluate: a whole number of evaluation batches, padded by repeating the last example. */
export interface EvalChunk {
  batches: number;
  /** [batches, evalBatch, height, width, channels]. */
  images: Uint8Array;
  /** [batches, evalBatch]. */
  labels: Int32Array;
  /** Whether probabilities are wanted. */
  probabilities?: boolean;
}

export interface EvalMetrics {
  /** [batches · evalBatch]. */
  loss: Float32Array;
  /** [batches · evalBatch]. */
  prediction: Int32Array;
  /** Classes that come before the label, [batches · evalBatch]. */
  rank: Int32Array;
  /** Logit of the label minus the greatest other one, [batches · evalBatch]; of a program that was made with it. */
  margin?: Float32Array;
  /** [batches · evalBatch, classes], if asked for. */
  probabilities?: Float32Array;
}

/** A program on an engine, with its state. */
export interface Session {
  /**
   * Runs the chunk's steps in order. The same steps in one call or in many give the same bits. A step that is not finite
   * leaves the state as it was and ends the call: the steps after it are not taken and report `finite` 0, loss NaN.
   */
  runSteps(chunk: TrainChunk): Promise<StepMetrics>;
  evalChunk(chunk: EvalChunk): Promise<EvalMetrics>;
  getState(): Promise<HostState>;
  setState(state: HostState): Promise<void>;
  /** Frees what it holds. Safe to call twice. */
  dispose(): void;
}

/** The conditions of every number an engine produces; goes beside every figure. */
export interface EngineInfo {
  name: EngineName;
  /** Version of the native library. */
  version: string;
  /** `cpu` or the GPU's name. */
  device: string;
  precision: Precision;
  /** op by op, or compiled. */
  mode: 'eager' | 'compiled';
  /** How many devices of that name share every batch, where the engine can do that. */
  devices?: number;
  threads?: number;
  /** tensorflow: the TF_ENABLE_ONEDNN_OPTS that it was loaded with; it decides what computes, and so the last bits. */
  onednn?: string;
  /** tensorflow on a CPU: whether it has operations of our own, compiled here; they, too, decide the last bits. */
  own_ops?: boolean;
  /** xla on a GPU: kinds of operations that XLA makes CUDA graphs of; it decides how long a step takes, not its bits. */
  command_buffers?: string;
}

export interface Engine {
  readonly info: EngineInfo;
  /** Prepares a program (compiles it, where the engine does) and puts the state on the device. */
  load(program: Program, state: HostState): Promise<Session>;
  dispose(): void;
}

export interface EngineOptions {
  name: 'auto' | EngineName;
  precision: Precision;
  threads?: number | undefined;
  device: number;
  /** So many share every batch; default: one. */
  devices?: number | 'all' | undefined;
  eager: boolean;
  deterministic: boolean;
}

/** A chunk larger than this gains nothing and takes memory twice (one is prepared while the other runs). */
export const CHUNK_BYTES = 64 * 1024 * 1024;
