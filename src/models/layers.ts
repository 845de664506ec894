import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../config/models.js';
import { batchNormReluTraining, batchNormTraining, relu, scaled } from './ops.js';
import type {
  ForwardMode,
  MaskSpec,
  ModelOptions,
  NormSpec,
  ParameterSpec,
  Parameters,
  StatisticSpec,
} from './types.js';

/** What a layer sees during one forward pass. */
export interface Pass {
  parameters: Parameters;
  mode: ForwardMode;
  /** New running statistics, collected on the way (training mode). */
  statistics: Record<string, tf.Tensor1D>;
}

export type Layer<In extends tf.Tensor = tf.Tensor4D, Out extends tf.Tensor = tf.Tensor4D> = (
  pass: Pass,
  x: In,
) => Out;

/** A whole model: whitened images → logits, [batch, height, width, channels] → [batch, classes]. */
export type Network = Layer<tf.Tensor4D, tf.Tensor2D>;

export interface BatchNormOptions {
  decay: number;
  epsilon: number;
  /** Whether a trained scale γ comes before the shift β. */
  scale: boolean;
}

/** BatchNorm of a model's convolutions; `null` where it is off. */
export function batchNormOf(
  { batchNorm, batchNormDecay, batchNormEpsilon }: ModelConfig,
  { scale } = { scale: false },
): BatchNormOptions | null {
  return batchNorm ? { decay: batchNormDecay, epsilon: batchNormEpsilon, scale } : null;
}

export interface ConvOptions {
  /** Side of the filter, or [height, width]. */
  size: number | [number, number];
  inputs: number;
  outputs: number;
  /** 1 unless given. */
  stride?: number;
  /** SAME unless given; a number is of zeros on every side. */
  padding?: 'same' | 'valid' | number;
  /** ReLU behind it; true unless given. */
  relu?: boolean;
  /** The `normRelu` whose output it takes, if there is one in front of it. */
  after?: string;
}

/**
 * Collects the parameters of a model while its layers are put together: a layer is declared once and gives back the
 * function that computes it.
 */
export class LayerBuilder {
  readonly parameters: ParameterSpec[] = [];
  readonly statistics: StatisticSpec[] = [];
  readonly norms: NormSpec[] = [];
  readonly masks: MaskSpec[] = [];

  /** @param gain Of the initial weights. */
  constructor(private readonly gain = 1) {}

  /** A convolution's filter [height, width, in, out], He-initialized. */
  private filter(name: string, { size, inputs, outputs, after }: ConvOptions): string {
    const key = `${name}/filter`;
    this.takes(key, after);
    const [height, width] = typeof size === 'number' ? [size, size] : size;
    this.parameters.push({
      name: key,
      shape: [height, width, inputs, outputs],
      init: 'he',
      gain: this.gain,
      fanIn: height * width * inputs,
      decayed: true,
    });
    return key;
  }

  /** A weight whose inputs come from a `normRelu`. */
  private takes(weight: string, after: string | undefined): void {
    if (after === undefined) return;
    this.norms.find(({ shift }) => shift === `${after}/shift`)?.into.weights.push(weight);
  }

  private constant(name: string, units: number, init: 'zeros' | 'ones'): string {
    this.parameters.push({ name, shape: [units], init, decayed: false });
    return name;
  }

  /** conv → BatchNorm → ReLU, or conv + bias → ReLU where `batchNorm` is off. */
  convModule(name: string, conv: ConvOptions, batchNorm: BatchNormOptions | null): Layer {
    return batchNorm ? this.convBatchNorm(name, conv, batchNorm) : this.convBias(name, conv);
  }

  /** conv, and a bias if it is asked for, as `wide-resnet` has it: BatchNorm and ReLU come before it. */
  conv(name: string, conv: ConvOptions, { bias }: { bias: boolean }): Layer {
    if (bias) return this.convBias(name, conv);
    const filter = this.filter(name, conv);
    return ({ parameters }, x) =>
      activate(convolve(x, parameters[filter] as tf.Tensor4D, conv), conv);
  }

  /** BatchNorm → ReLU, or ReLU alone where `batchNorm` is off. */
  normRelu(name: string, units: number, batchNorm: BatchNormOptions | null): Layer {
    if (batchNorm === null) return (_, x) => relu(x);
    const norm = this.norm(name, units, batchNorm, { axis: 'inputs', weights: [] });
    return (pass, x) => {
      if (pass.mode.training) return norm.training(pass, x, batchNormReluTraining);
      const { factor, bias } = norm.inference(pass);
      return relu(tf.add(tf.mul(x, factor), bias)) as tf.Tensor4D;
    };
  }

  /** conv + bias → ReLU. */
  convBias(name: string, conv: ConvOptions): Layer {
    const filter = this.filter(name, conv);
    const bias = this.constant(`${name}/bias`, conv.outputs, 'zeros');
    return ({ parameters }, x) => {
      const y = convolve(x, parameters[filter] as tf.Tensor4D, conv);
      return activate(tf.add(y, parameters[bias]!), conv);
    };
  }

  /** conv, no bias → BatchNorm → ReLU. */
  private convBatchNorm(name: string, conv: ConvOptions, batchNorm: BatchNormOptions): Layer {
    const filterName = this.filter(name, conv);
    const into = { axis: 'outputs' as const, weights: [filterName] };
    const norm = this.norm(name, conv.outputs, batchNorm, into);
    const normalize = conv.relu === false ? batchNormTraining : batchNormReluTraining;
    return (pass, x) => {
      const filter = pass.parameters[filterName] as tf.Tensor4D;
      if (pass.mode.training) return norm.training(pass, convolve(x, filter, conv), normalize);
      // The normalization is linear in inference, so it goes into the filter: one pass over the activations less.
      const { factor, bias } = norm.inference(pass);
      return activate(tf.add(convolve(x, tf.mul(filter, factor) as tf.Tensor4D, conv), bias), conv);
    };
  }

  /** BatchNorm by itself: its parameters and statistics, and what it does with a batch. */
  private norm(
    name: string,
    units: number,
    { decay, epsilon, scale }: BatchNormOptions,
    into: NormSpec['into'],
  ) {
    const scaleName = scale ? this.constant(`${name}/scale`, units, 'ones') : null;
    const shiftName = this.constant(`${name}/shift`, units, 'zeros');
    const meanName = `${name}/mean`;
    const varianceName = `${name}/variance`;
    this.statistics.push({ name: meanName, shape: [units], initial: 0 });
    this.statistics.push({ name: varianceName, shape: [units], initial: 1 });
    const names = { scale: scaleName, shift: shiftName, mean: meanName, variance: varianceName };
    this.norms.push({ ...names, epsilon, into });
    const moved = (old: tf.Tensor1D, batch: tf.Tensor1D) =>
      tf.add(tf.mul(old, decay), tf.mul(batch, 1 - decay)) as tf.Tensor1D;
    const of = ({ parameters, mode }: Pass) => ({
      gamma: scaleName === null ? undefined : (parameters[scaleName] as tf.Tensor1D),
      shift: parameters[shiftName] as tf.Tensor1D,
      mean: mode.statistics[meanName]!,
      variance: mode.statistics[varianceName]!,
    });
    return {
      /** Normalizes by the batch, and moves the running statistics. */
      training(pass: Pass, x: tf.Tensor4D, normalize: typeof batchNormTraining): tf.Tensor4D {
        const { gamma, shift, mean, variance } = of(pass);
        const normalized = normalize(x, shift, epsilon, gamma);
        pass.statistics[meanName] = moved(mean, normalized.mean);
        pass.statistics[varianceName] = moved(variance, normalized.variance);
        return normalized.y;
      },
      /** x → factor · x + bias by the running statistics. */
      inference(pass: Pass): { factor: tf.Tensor; bias: tf.Tensor } {
        const { gamma, shift, mean, variance } = of(pass);
        const factor = scaled(tf.rsqrt(tf.add(variance, epsilon)), gamma);
        return { factor, bias: tf.sub(shift, tf.mul(mean, factor)) };
      },
    };
  }

  /** x·W + b before a ReLU, [batch, inputs] → [batch, units]. */
  dense(name: string, inputs: number, units: number): Layer<tf.Tensor2D, tf.Tensor2D> {
    return this.linear(name, inputs, units, 'he');
  }

  /**
   * x·W + b to the logits, [batch, inputs] → [batch, classes]. It starts small, so that the first loss is that of
   * guessing, ln(classes): with He's deviation AlexNet's logits start near ±6, and the first steps kill its ReLUs.
   */
  output(inputs: number, classes: number, after?: string): Layer<tf.Tensor2D, tf.Tensor2D> {
    this.takes('output/weight', after);
    return this.linear('output', inputs, classes, 'output');
  }

  private linear(
    name: string,
    inputs: number,
    units: number,
    init: 'he' | 'output',
  ): Layer<tf.Tensor2D, tf.Tensor2D> {
    const weight = `${name}/weight`;
    this.parameters.push({
      name: weight,
      shape: [inputs, units],
      init,
      gain: this.gain,
      fanIn: inputs,
      decayed: true,
    });
    const bias = this.constant(`${name}/bias`, units, 'zeros');
    return ({ parameters }, x) =>
      tf.add(tf.matMul(x, parameters[weight] as tf.Tensor2D), parameters[bias]!) as tf.Tensor2D;
  }

  /**
   * Layers → mean over what is left of the image → dropout → logits, images → [batch, classes].
   *
   * @param after The `normRelu` that the layers end with, if they do.
   */
  pooledOutput(
    layers: Layer[],
    channels: number,
    { classes, dropout }: ModelOptions,
    after?: string,
  ): Network {
    const features = inSequence(layers);
    const drop = this.dropout('pool/dropout', channels, dropout > 0);
    const output = this.output(channels, classes, after);
    return (pass, x) => output(pass, drop(pass, tf.mean(features(pass, x), [1, 2]) as tf.Tensor2D));
  }

  /** A place where a dropout mask multiplies, in training. The identity where dropout is off. */
  dropout(name: string, units: number, on: boolean): Layer<tf.Tensor2D, tf.Tensor2D> {
    if (!on) return (_, x) => x;
    this.masks.push({ name, units });
    return ({ mode }, x) => (mode.training ? (tf.mul(x, mode.masks[name]!) as tf.Tensor2D) : x);
  }
}

function convolve(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { stride = 1, padding = 'same' }: ConvOptions,
): tf.Tensor4D {
  if (typeof padding === 'string') return tf.conv2d(x, filter, stride, padding);
  const sides: [number, number] = [padding, padding];
  return tf.conv2d(tf.pad(x, [[0, 0], sides, sides, [0, 0]]), filter, stride, 'valid');
}

function activate(x: tf.Tensor, conv: ConvOptions): tf.Tensor4D {
  return (conv.relu === false ? x : relu(x)) as tf.Tensor4D;
}

/** Layers one after another. */
export function inSequence(layers: readonly Layer[]): Layer {
  return (pass, x) => layers.reduce((y, layer) => layer(pass, y), x);
}

/** Layers side by side, their channels joined. */
export function sideBySide(...layers: Layer[]): Layer {
  const of = (pass: Pass, x: tf.Tensor4D) => layers.map((layer) => layer(pass, x));
  return (pass, x) => tf.concat(of(pass, x), 3);
}

/** 3×3 max pooling of stride 2. */
export function maxPool3x3(x: tf.Tensor4D, padding: 'same' | 'valid' = 'same'): tf.Tensor4D {
  return tf.maxPool(x, 3, 2, padding);
}

/** [batch, …] → [batch, features]. */
export function flatten(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  return tf.reshape(x, [batch, height * width * channels]) as tf.Tensor2D;
}
