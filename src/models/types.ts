import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/models.js';

/** How one named parameter starts, and whether weight decay touches it. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  /** Truncated normal of standard deviation √(2/fanIn) for `he` (before a ReLU), 1/fanIn for `output`; or constant. */
  init: 'he' | 'output' | 'zeros' | 'ones';
  /** Factor on that standard deviation; not for constants. */
  gain?: number;
  /** Inputs of one output unit; not for constants. */
  fanIn?: number;
  /** Weight decay applies (weight matrices and filters, not biases, scales and shifts). */
  decayed: boolean;
}

/** A BatchNorm running statistic: state that is not trained. */
export interface StatisticSpec {
  name: string;
  shape: [number];
  /** Initial value: 0 for a mean, 1 for a variance. */
  initial: number;
}

/** A BatchNorm: x → scale · (x − mean)/√(variance + ε) + shift, and the weights that take it in without changing the network. */
export interface NormSpec {
  /** Names of parameters; `null`: it has no scale. */
  scale: string | null;
  shift: string;
  /** Names of statistics. */
  mean: string;
  variance: string;
  epsilon: number;
  /**
   * Behind a convolution its filter takes it in, output by output. In front of convolutions, with a ReLU between, their
   * filters take its magnitude, input by input.
   */
  into: { axis: 'outputs' | 'inputs'; weights: string[] };
}

/** A dense activation that a dropout mask multiplies: [batch, units]. */
export interface MaskSpec {
  name: string;
  units: number;
}

export type Parameters = Record<string, Tensor>;

/** What a forward pass needs beside parameters and images. */
export type ForwardMode =
  | {
      training: true;
      statistics: Record<string, Tensor1D>;
      /** Inverted-dropout masks by name: 0 or 1/(1 − rate). */
      masks: Record<string, Tensor2D>;
    }
  | { training: false; statistics: Record<string, Tensor1D> };

export interface ForwardResult {
  /** [batch, classes]. */
  logits: Tensor2D;
  /** New running statistics by name (training mode; empty in inference). */
  statistics: Record<string, Tensor1D>;
}

/** A network: a pure function of (parameters, images), in tfjs-core ops, the same on every engine. */
export interface Model {
  name: string;
  /** [height, width, channels] of the images it takes. */
  inputShape: [number, number, number];
  classes: number;
  parameters: ParameterSpec[];
  statistics: StatisticSpec[];
  norms: NormSpec[];
  /** Present only where dropout is on. */
  masks: MaskSpec[];
  /** images: whitened, [batch, height, width, channels], float32. */
  forward(parameters: Parameters, images: Tensor4D, mode: ForwardMode): ForwardResult;
}

/** What a model is built from. */
export interface ModelOptions {
  config: ModelConfig;
  inputShape: [number, number, number];
  classes: number;
  /** Dropout rate; 0 declares no masks. */
  dropout: number;
  /** Factor on the standard deviation of all initial weights; default 1. */
  initGain?: number | undefined;
}
