import { DASHES, isLabeledLeft, type Mark, type Split } from '../charts/chart.js';
import { FONT } from '../charts/theme.js';
import type { Columns } from '../data.js';
import { palette } from './colors.js';

/** A line as it is drawn. */
export interface Line extends Columns {
  name: string;
  split: Split;
  color: string;
  /** Place of its symbol. */
  shape: number;
  atLeast?: Pick<Columns, 'x' | 'y'>;
  /** Drawn as one of very many. */
  thin?: boolean;
}

/** From values to pixels of the canvas; what a logarithmic axis can't show is not a number. */
export interface Place {
  x(value: number): number;
  y(value: number): number;
  /** Pixels of the canvas in one of CSS. */
  ratio: number;
}

/** A moving average as TensorBoard's: exponential, without its bias towards the first value. */
export function smoothed(values: readonly number[], weight: number): number[] {
  let sum = 0;
  let norm = 0;
  return values.map((value) => {
    sum = weight * sum + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return sum / norm;
  });
}

/** Draws a line with its range, its symbols and its bounds. */
export function drawLine(
  ctx: CanvasRenderingContext2D,
  line: Line,
  place: Place,
  { ranges, smoothing }: { ranges: 'band' | 'bar'; smoothing: number },
): void {
  ctx.strokeStyle = line.color;
  ctx.fillStyle = line.color;
  if (line.low && line.high) {
    if (ranges === 'band') fillBand(ctx, line, place);
    else drawBars(ctx, line, place);
  }
  const raw = smoothing === 0 ? 1 : 0.25;
  ctx.globalAlpha = line.thin ? raw * 0.6 : raw;
  ctx.lineWidth = (line.thin ? 1 : 2) * place.ratio;
  strokeLine(ctx, line, line.y, place);
  if (smoothing > 0) {
    ctx.globalAlpha = 1;
    strokeLine(ctx, line, smoothed(line.y, smoothing), place);
  }
  ctx.globalAlpha = 1;
  if (ranges === 'bar' || line.x.length === 1) drawSymbols(ctx, line, place);
  drawBounds(ctx, line, place);
}

function strokeLine(
  ctx: CanvasRenderingContext2D,
  { x, split }: Line,
  y: readonly number[],
  place: Place,
): void {
  ctx.setLineDash(split === 'train' ? [] : DASHES.test.map((length) => length * place.ratio));
  ctx.lineJoin = 'round';
  ctx.beginPath();
  let drawing = false;
  for (let i = 0; i < x.length; i++) {
    const [left, top] = [place.x(x[i]!), place.y(y[i]!)];
    const visible = Number.isFinite(left) && Number.isFinite(top);
    if (visible && drawing) ctx.lineTo(left, top);
    else if (visible) ctx.moveTo(left, top);
    drawing = visible;
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

function fillBand(ctx: CanvasRenderingContext2D, { x, low, high }: Line, place: Place): void {
  const edge = (values: readonly number[]) =>
    x.map((value, i) => [place.x(value), place.y(values[i]!)] as const).filter(isFinitePoint);
  ctx.globalAlpha = 0.2;
  ctx.beginPath();
  for (const [left, top] of [...edge(high!), ...edge(low!).reverse()]) ctx.lineTo(left, top);
  ctx.fill();
  ctx.globalAlpha = 1;
}

function isFinitePoint(point: readonly [number, number]): boolean {
  return point.every(Number.isFinite);
}

function drawBars(ctx: CanvasRenderingContext2D, { x, low, high }: Line, place: Place): void {
  ctx.lineWidth = 1.5 * place.ratio;
  ctx.beginPath();
  x.forEach((value, i) => {
    ctx.moveTo(place.x(value), place.y(low![i]!));
    ctx.lineTo(place.x(value), place.y(high![i]!));
  });
  ctx.stroke();
}

function drawSymbols(ctx: CanvasRenderingContext2D, { x, y, shape }: Line, place: Place): void {
  x.forEach((value, i) => {
    const point = [place.x(value), place.y(y[i]!)] as const;
    if (!isFinitePoint(point)) return;
    tracePath(ctx, SYMBOLS[shape % SYMBOLS.length]!, point, 4.2 * place.ratio);
    ctx.fill();
  });
}

/** Hollow arrowheads: the true value lies above. */
function drawBounds(ctx: CanvasRenderingContext2D, { atLeast }: Line, place: Place): void {
  ctx.lineWidth = 2 * place.ratio;
  atLeast?.x.forEach((value, i) => {
    const point = [place.x(value), place.y(atLeast.y[i]!)] as const;
    if (!isFinitePoint(point)) return;
    tracePath(ctx, TRIANGLE, point, 6 * place.ratio);
    ctx.stroke();
  });
}

type Outline = readonly (readonly [number, number])[];

const TRIANGLE: Outline = [
  [0, -1],
  [1, 0.8],
  [-1, 0.8],
];
/** As `SHAPES` of the theme names them: corners within a square of two by two. */
const SYMBOLS: Outline[] = [
  Array.from({ length: 16 }, (_, i) => [Math.cos((i * Math.PI) / 8), Math.sin((i * Math.PI) / 8)]),
  [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  TRIANGLE,
  [
    [0, -1.2],
    [1, 0],
    [0, 1.2],
    [-1, 0],
  ],
  [
    [-0.35, -1],
    [0.35, -1],
    [0.35, -0.35],
    [1, -0.35],
    [1, 0.35],
    [0.35, 0.35],
    [0.35, 1],
    [-0.35, 1],
    [-0.35, 0.35],
    [-1, 0.35],
    [-1, -0.35],
    [-0.35, -0.35],
  ],
  TRIANGLE.map(([x, y]) => [x, -y]),
];

function tracePath(
  ctx: CanvasRenderingContext2D,
  outline: Outline,
  [left, top]: readonly [number, number],
  size: number,
): void {
  ctx.beginPath();
  for (const [x, y] of outline) ctx.lineTo(left + size * x, top + size * y);
  ctx.closePath();
}

/** The rectangle between the axes, in pixels of the canvas. */
interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A rule across, and what it is above its right end. */
export function drawLevel(
  ctx: CanvasRenderingContext2D,
  { y, label }: { y: number; label: string },
  place: Place,
  box: Box,
): void {
  const { ratio } = place;
  const top = place.y(y);
  strokeRule(ctx, [box.left, top], [box.left + box.width, top], palette().text, ratio);
  const above = top - box.top > 18 * ratio;
  const gap = (above ? -3 : 3) * ratio;
  writeLabel(ctx, label, [box.left + box.width - 8 * ratio, top + gap], ratio, {
    align: 'right',
    baseline: above ? 'bottom' : 'top',
  });
}

/** A rule from top to bottom, and what it is, one below the other. @param order Its place, of how many. */
export function drawMark(
  ctx: CanvasRenderingContext2D,
  { x, label, color }: Mark & { color: string },
  place: Place,
  { left, top, width, height }: Box,
  order: readonly [place: number, count: number],
): void {
  const { ratio } = place;
  const at = place.x(x);
  if (!Number.isFinite(at)) return;
  strokeRule(ctx, [at, top], [at, top + height], color, 1.5 * ratio);
  const isLeft = isLabeledLeft((at - left) / width, ...order);
  ctx.font = fontOf(ratio);
  const room = ctx.measureText(label).width;
  // On a narrow screen it rather runs into a rule than over the edge.
  const start = isLeft ? at - 5 * ratio - room : at + 5 * ratio;
  const whole = Math.max(left + 2 * ratio, Math.min(start, left + width - room));
  writeLabel(ctx, label, [whole, top + (3 + 16 * order[0]) * ratio], ratio, {
    align: 'left',
    baseline: 'top',
  });
}

const fontOf = (ratio: number) => `${12 * ratio}px ${FONT}`;

type Corner = readonly [left: number, top: number];

function strokeRule(
  ctx: CanvasRenderingContext2D,
  from: Corner,
  to: Corner,
  color: string,
  lineWidth: number,
): void {
  ctx.strokeStyle = color;
  ctx.lineWidth = lineWidth;
  ctx.setLineDash([3 * lineWidth, 3 * lineWidth]);
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
  ctx.setLineDash([]);
}

function writeLabel(
  ctx: CanvasRenderingContext2D,
  label: string,
  at: Corner,
  ratio: number,
  { align, baseline }: { align: CanvasTextAlign; baseline: CanvasTextBaseline },
): void {
  ctx.fillStyle = palette().text;
  ctx.font = fontOf(ratio);
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.fillText(label, ...at);
}
