import type { ConvolutionAttributes } from '../../trace/graph.js';
import type { Emitter, Pads } from './emitter.js';
import type { Target } from './target.js';
import { type Ref, tensorType, typeOf } from './text.js';
import type { Lower, Lowerings } from './types.js';

interface Window {
  strides?: readonly number[];
  pads: Pads;
  /** Zeros between the elements of the image, so many minus one. */
  imageDilation?: readonly number[];
  filterDilation?: readonly number[];
}

/** `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`: which axis of image, filter and result is what. */
const FORWARD = '[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]';

/** How exactly operands are taken: bfloat16 ones are exact as they are. */
function precision(x: Ref, target: Target): string {
  return x.type === 'f32' ? target.products : 'DEFAULT';
}

function convolution(
  e: Emitter,
  target: Target,
  [image, filter]: readonly [Ref, Ref],
  numbers: string,
  { strides = [1, 1], pads, imageDilation = [1, 1], filterDilation = [1, 1] }: Window,
  out: { shape: readonly number[]; type: Ref['type'] },
): Ref {
  // cuDNN gives its result in the operands' type (it sums in float32 all the same).
  const type = target.convolutions === 'gpu' ? image.type : out.type;
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  const level = `#stablehlo<precision ${precision(image, target)}>`;
  const window = `{stride = ${list(strides)}, pad = [${pads.map(list).join(', ')}], lhs_dilate = ${list(imageDilation)}, rhs_dilate = ${list(filterDilation)}, reverse = [false, false]}`;
  const attributes = `{batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [${level}, ${level}]}`;
  const types = `(${typeOf(image)}, ${typeOf(filter)}) -> ${tensorType(out.shape, type)}`;
  const result = e.emit(
    `stablehlo.convolution(${image.id}, ${filter.id}) dim_numbers = ${numbers}, window = ${window} ${attributes} : ${types}`,
    out.shape,
    type,
  );
  return e.convert(result, out.type);
}

/** [low, high] of height and width. */
function padsOf({ padding: p }: ConvolutionAttributes): Pads {
  return [
    [p.top, p.bottom],
    [p.left, p.right],
  ];
}

const conv2d: Lower<'conv2d'> = ({ e, target, inputs: [x, filter], attrs, outputs: [out] }) => [
  convolution(
    e,
    target,
    [x!, filter!],
    FORWARD,
    { strides: attrs.strides, pads: padsOf(attrs), filterDilation: attrs.dilations },
    out!,
  ),
];

/**
 * Gradient of the image: dy, spread out by the strides, convolved with the filter turned round and its channels
 * exchanged.
 */
const conv2dBackpropInput: Lower<'conv2dBackpropInput'> = ({
  e,
  target,
  inputs: [dy, filter],
  attrs,
  outputs: [out],
}) => {
  const { strides, dilations } = attrs;
  const pads = padsOf(attrs).map(([low], i): [number, number] => {
    const extent = (filter!.shape[i]! - 1) * dilations[i]!;
    const spread = (dy!.shape[i + 1]! - 1) * strides[i]! + 1;
    const before = extent - low;
    return [before, out!.shape[i + 1]! - spread - before + extent];
  });
  const turned = e.reverse(filter!, [0, 1]);
  const window = { pads, imageDilation: strides, filterDilation: dilations };
  if (target.convolutions === 'gpu') {
    const numbers = '[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]';
    return [convolution(e, target, [dy!, turned], numbers, window, out!)];
  }
  const exchanged = e.transpose(turned, [0, 1, 3, 2]);
  return [convolution(e, target, [dy!, exchanged], FORWARD, window, out!)];
};

/** Gradient of the filter: the image (channels as batch) convolved with dy (batch as channels, spread by the strides). */
const conv2dBackpropFilter: Lower<'conv2dBackpropFilter'> = ({
  e,
  target,
  inputs: [x, dy],
  attrs,
  outputs: [out],
}) => {
  const { strides, dilations } = attrs;
  const pads = padsOf(attrs).map(([low], i): [number, number] => {
    const extent = (out!.shape[i]! - 1) * dilations[i]!;
    const spread = (dy!.shape[i + 1]! - 1) * strides[i]! + 1;
    return [low, extent + spread - x!.shape[i + 1]! - low];
  });
  const window = { strides: dilations, pads, filterDilation: strides };
  if (target.convolutions === 'gpu') {
    const numbers = '[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]';
    return [convolution(e, target, [x!, dy!], numbers, window, out!)];
  }
  const [height, width, inputs, outputs] = out!.shape as [number, number, number, number];
  const gradient = convolution(
    e,
    target,
    [e.transpose(x!, [3, 1, 2, 0]), e.transpose(dy!, [1, 2, 0, 3])],
    FORWARD,
    window,
    { shape: [inputs, height, width, outputs], type: out!.type },
  );
  return [e.transpose(gradient, [1, 2, 0, 3])];
};

const matMul: Lower<'matMul'> = ({ e, target, inputs, attrs, outputs: [out] }) => {
  const [a, b] = inputs as [Ref, Ref];
  const rank = a.shape.length;
  const batch = a.shape.slice(0, -2).map((_, i) => i);
  const batching = batch.length > 0 ? `batching_dims = [${batch}] x [${batch}], ` : '';
  const inner = [attrs.transposeA ? rank - 2 : rank - 1, attrs.transposeB ? rank - 1 : rank - 2];
  const level = precision(a, target);
  const how = `, ${batching}contracting_dims = [${inner[0]}] x [${inner[1]}], precision = [${level}, ${level}]`;
  return [e.op('dot_general', [a, b], how, out!.shape, out!.type)];
};

/** Products: matrices and convolutions. */
export const CONTRACTION: Lowerings = { matMul, conv2d, conv2dBackpropInput, conv2dBackpropFilter };
