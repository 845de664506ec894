import type { PoolAttributes } from '../../trace/graph.js';
import type { Emitter, Pads } from './emitter.js';
import { type Ref, tensorType, typeOf } from './text.js';
import type { Lower, Lowerings } from './types.js';

/** A window over height and width as one over NHWC. */
function nhwc({ size, strides, padding: p }: PoolAttributes) {
  const pads: Pads = [
    [0, 0],
    [p.top, p.bottom],
    [p.left, p.right],
    [0, 0],
  ];
  return { size: [1, ...size, 1], strides: [1, ...strides, 1], pads };
}

const maxPool: Lower<'maxPool'> = ({ e, inputs: [x], attrs }) => {
  const { size, strides, pads } = nhwc(attrs);
  return [e.reduceWindow('maximum', x!, size, strides, pads)];
};

/** Each dy goes to its window's first maximum in row-major order. */
const maxPoolGrad: Lower<'maxPoolGrad'> = (lowering) => {
  const type = lowering.inputs[1]!.type as 'f32' | 'bf16';
  return GRADIENTS[lowering.target.maxPoolGradient[type]](lowering);
};

/** GE selects the first only if the scatter has no padding of its own: −∞ is put around x first and cut off afterwards. */
const scattered: Lower<'maxPoolGrad'> = ({ e, inputs: [dy, x], attrs }) => {
  const { size, strides, pads } = nhwc(attrs);
  const padded = padWith(e, x!, -Infinity, pads);
  const gradient = selectAndScatter(e, padded, dy!, size, strides);
  if (padded === x) return [gradient];
  const low = pads.map(([before]) => before);
  return [e.slice(gradient, low, x!.shape)];
};

/**
 * Where in its window each first maximum is; then each place of the window, with zeros for the windows that have their
 * maximum elsewhere, spread out by the strides, and all added up in float32. Without a scatter, in one pass over x.
 */
const compared: Lower<'maxPoolGrad'> = ({ e, inputs: [dy, x, y], attrs }) => {
  const { strides, pads } = nhwc(attrs);
  const [height, width] = attrs.size;
  const places = Array.from({ length: height * width }, (_, place) => place);
  const lowOf = (place: number) => [0, Math.floor(place / width), place % width, 0];
  const padded = padWith(e, x!, -Infinity, pads);
  // A byte where it is enough: this is kept from the forward pass.
  const type = places.length < 256 ? 'ui8' : 'i32';
  const first = places.reduceRight(
    (later, place) => {
      const elements = e.slice(padded, lowOf(place), dy!.shape, strides);
      return e.select(e.compare('EQ', elements, y!), e.scalar(place, type), later);
    },
    e.splat(places.length, dy!.shape, type),
  );
  const wide = e.convert(dy!, 'f32');
  const gap = strides.map((stride) => stride - 1);
  const parts = places.map((place) => {
    const own = e.select(e.compare('EQ', first, e.scalar(place, type)), wide, e.scalar(0, 'f32'));
    const around = pads.map(([padding], axis): [number, number] => {
      const before = lowOf(place)[axis]! - padding;
      const spread = (dy!.shape[axis]! - 1) * strides[axis]! + 1;
      return [before, x!.shape[axis]! - spread - before];
    });
    return e.pad(own, 0, around, gap);
  });
  return [
    e.convert(
      parts.reduce((total, part) => e.add(total, part)),
      x!.type,
    ),
  ];
};

const GRADIENTS: Record<'scatter' | 'compare', Lower<'maxPoolGrad'>> = {
  scatter: scattered,
  compare: compared,
};

function padWith(e: Emitter, x: Ref, value: number, pads: Pads): Ref {
  return pads.some(([low, high]) => low + high > 0) ? e.pad(x, value, pads) : x;
}

function selectAndScatter(
  e: Emitter,
  x: Ref,
  dy: Ref,
  size: readonly number[],
  strides: readonly number[],
): Ref {
  const element = tensorType([], x.type);
  const start = e.scalar(0, x.type);
  return e.emit(
    `"stablehlo.select_and_scatter"(${x.id}, ${dy.id}, ${start.id}) <{padding = dense<0> : tensor<4x2xi64>, window_dimensions = array<i64: ${size.join(', ')}>, window_strides = array<i64: ${strides.join(', ')}>}> ({
^bb0(%x: ${element}, %y: ${element}):
  %z = stablehlo.compare GE, %x, %y, FLOAT : (${element}, ${element}) -> tensor<i1>
  stablehlo.return %z : tensor<i1>
}, {
^bb0(%x: ${element}, %y: ${element}):
  %z = stablehlo.add %x, %y : ${element}
  stablehlo.return %z : ${element}
}) : (${typeOf(x)}, ${typeOf(dy)}, ${element}) -> ${typeOf(x)}`,
    x.shape,
    x.type,
  );
}

const avgPool: Lower<'avgPool'> = ({ e, inputs: [x], attrs, outputs: [out] }) => {
  const { size, strides, pads } = nhwc(attrs);
  const total = e.reduceWindow('add', e.convert(x!, 'f32'), size, strides, pads);
  const mean = e.divide(total, windowCounts(e, attrs, x!.shape, out!.shape));
  return [e.convert(mean, out!.type)];
};

/** Every element collects dy/count from the windows that cover it: a window sum over dy spread out by the strides. */
const avgPoolGrad: Lower<'avgPoolGrad'> = ({ e, inputs: [dy], attrs, outputs: [out] }) => {
  const { size, strides, pads } = nhwc(attrs);
  const share = e.divide(e.convert(dy!, 'f32'), windowCounts(e, attrs, out!.shape, dy!.shape));
  const around = pads.map(([low], i): [number, number] => {
    const before = size[i]! - 1 - low;
    const spread = (dy!.shape[i]! - 1) * strides[i]! + 1;
    return [before, out!.shape[i]! + size[i]! - 1 - spread - before];
  });
  const spread = e.pad(
    share,
    0,
    around,
    strides.map((stride) => stride - 1),
  );
  const none: Pads = pads.map(() => [0, 0]);
  return [e.convert(e.reduceWindow('add', spread, size, [1, 1, 1, 1], none), out!.type)];
};

/** How many elements inside the image each window has: [1, height, width, 1], worked out here. */
function windowCounts(
  e: Emitter,
  { size, strides, padding }: PoolAttributes,
  image: readonly number[],
  out: readonly number[],
): Ref {
  const before = [padding.top, padding.left];
  const [rows, columns] = [0, 1].map((axis) =>
    Array.from({ length: out[axis + 1]! }, (_, i) => {
      const start = i * strides[axis]! - before[axis]!;
      const end = Math.min(start + size[axis]!, image[axis + 1]!);
      return end - Math.max(start, 0);
    }),
  ) as [number[], number[]];
  const counts = rows.flatMap((height) => columns.map((width) => height * width));
  return e.constant(Float32Array.from(counts), [1, rows.length, columns.length, 1], 'f32');
}

export const POOL: Lowerings = { maxPool, maxPoolGrad, avgPool, avgPoolGrad };
