import { averagePool3x3 } from './composite-ops.js';
import {
  batchNormOf,
  type ConvOptions,
  inSequence,
  type Layer,
  type LayerBuilder,
  maxPool3x3,
  type Network,
  sideBySide,
} from './layers.js';
import type { ModelOptions } from './types.js';

/** Filter [height, width] and outputs of one convolution, and what it does otherwise than stride 1, SAME. */
type Step = [ConvOptions['size'], number, Pick<ConvOptions, 'stride' | 'padding'>?];

/** Stride 2 without padding: the layout's halvings. */
const HALVE = { stride: 2, padding: 'valid' } as const;
const VALID = { padding: 'valid' } as const;
const ROW: [number, number] = [1, 7];
const COLUMN: [number, number] = [7, 1];

/**
 * Inception V3 (Szegedy 2015, 'Rethinking the Inception Architecture', table 1, in the layout of its published code),
 * as the paper trained it on ImageNet: 299×299×3, without the auxiliary head, BatchNorm with shift and no scale.
 * 23,817,352 parameters with 1,000 classes. Images of other sizes give other sizes of feature maps, which are averaged
 * before the last layer.
 */
export function inceptionV3(builder: LayerBuilder, options: ModelOptions): Network {
  const batchNorm = batchNormOf(options.config);
  let channels = options.inputShape[2];

  /** Convolutions one after another, from `channels` on; does not change it. */
  const chain = (name: string, ...steps: Step[]): Layer => {
    let inputs = channels;
    const layers = steps.map(([size, outputs, options], i) => {
      const conv = { size, inputs, outputs, ...options };
      inputs = outputs;
      return builder.convModule(`${name}/conv${i + 1}`, conv, batchNorm);
    });
    return inSequence(layers);
  };
  /** Branches side by side, which give so many channels together. */
  const join = (outputs: number, ...branches: Layer[]): Layer => {
    channels = outputs;
    return sideBySide(...branches);
  };
  const averaged = (name: string, outputs: number): Layer =>
    inSequence([(_, x) => averagePool3x3(x), chain(name, [1, outputs])]);
  const maxPool: Layer = (_, x) => maxPool3x3(x, 'valid');

  const stem = (): Layer => {
    const first = chain('stem1', [3, 32, HALVE], [3, 32, VALID], [3, 64]);
    channels = 64;
    const second = chain('stem2', [1, 80, VALID], [3, 192, VALID]);
    channels = 192;
    return inSequence([first, maxPool, second, maxPool]);
  };
  /** 35×35: 1×1, 5×5, twice 3×3, pool. */
  const square = (name: string, pooled: number): Layer =>
    join(
      64 + 64 + 96 + pooled,
      chain(`${name}/one`, [1, 64]),
      chain(`${name}/five`, [1, 48], [5, 64]),
      chain(`${name}/three`, [1, 64], [3, 96], [3, 96]),
      averaged(`${name}/pool`, pooled),
    );
  const reduceTo17 = (name: string): Layer =>
    join(
      384 + 96 + channels,
      chain(`${name}/three`, [3, 384, HALVE]),
      chain(`${name}/double`, [1, 64], [3, 96], [3, 96, HALVE]),
      maxPool,
    );
  /** 17×17: 7×7 as 1×7 and 7×1, once and twice. */
  const factored = (name: string, inner: number): Layer =>
    join(
      4 * 192,
      chain(`${name}/one`, [1, 192]),
      chain(`${name}/seven`, [1, inner], [ROW, inner], [COLUMN, 192]),
      chain(
        `${name}/double`,
        [1, inner],
        [COLUMN, inner],
        [ROW, inner],
        [COLUMN, inner],
        [ROW, 192],
      ),
      averaged(`${name}/pool`, 192),
    );
  const reduceTo8 = (name: string): Layer =>
    join(
      320 + 192 + channels,
      chain(`${name}/three`, [1, 192], [3, 320, HALVE]),
      chain(`${name}/seven`, [1, 192], [ROW, 192], [COLUMN, 192], [3, 192, HALVE]),
      maxPool,
    );
  /** 1×3 and 3×1 of the same, side by side. */
  const fork = (name: string, ...steps: Step[]): Layer => {
    const common = chain(name, ...steps);
    const before = channels;
    channels = steps.at(-1)![1];
    const row = chain(`${name}/row`, [[1, 3], 384]);
    const column = chain(`${name}/column`, [[3, 1], 384]);
    channels = before;
    return inSequence([common, sideBySide(row, column)]);
  };
  /** 8×8: branches that end in a fork. */
  const forked = (name: string): Layer =>
    join(
      320 + 2 * 768 + 192,
      chain(`${name}/one`, [1, 320]),
      fork(`${name}/three`, [1, 384]),
      fork(`${name}/double`, [1, 448], [3, 384]),
      averaged(`${name}/pool`, 192),
    );

  const layers = [
    stem(),
    square('mixed1', 32),
    square('mixed2', 64),
    square('mixed3', 64),
    reduceTo17('mixed4'),
    factored('mixed5', 128),
    factored('mixed6', 160),
    factored('mixed7', 160),
    factored('mixed8', 192),
    reduceTo8('mixed9'),
    forked('mixed10'),
    forked('mixed11'),
  ];
  return builder.pooledOutput(layers, channels, options);
}
