import type { HostState } from '../engines/types.js';
import type { Model } from '../models/types.js';
import type { OnProgress } from '../progress.js';
import { Random } from '../random.js';
import { stateOf, type Weights } from './fold.js';

/** By how much noise may change the accuracy (Jiang 2020, appendix C). */
export const TARGET = 0.1;
/** ε of noise by magnitude (Jiang 2020, appendix C). */
export const EPSILON = 1e-3;
/** Draws of noise that an accuracy is the mean of (as many as in Dziugaite's code). */
export const DRAWS = 10;

/** Where the search begins, and what it stays between: powers of two. */
const START = -4;
const LEAST = -20;
const MOST = 6;
/** Two scales with this ratio are one. */
const RATIO = 1.01;
/** Draws are kept where all of them take no more bytes. */
const KEPT_BYTES = 256 * 2 ** 20;

/**
 * The largest scale at which noise costs at most the target, by doubling or halving and then bisection: about ten scales, never
 * more than 40. Beyond a scale that costs more than the target none is looked for.
 *
 * @param cost Of a scale: how far the mean accuracy is from that without noise.
 * @returns `null` with a reason where the target is never reached, or always passed.
 */
export async function largestScale(
  cost: (scale: number) => Promise<number>,
): Promise<{ scale: number } | { scale: null; reason: string }> {
  const bearable = async (exponent: number) => (await cost(2 ** exponent)) <= TARGET;
  let low = START;
  let high: number;
  if (await bearable(START)) {
    high = START + 1;
    while (high <= MOST && (await bearable(high))) low = high++;
    if (high > MOST) {
      return {
        scale: null,
        reason: `noise up to ${2 ** MOST} changes the accuracy by less than ${TARGET}`,
      };
    }
  } else {
    high = low--;
    while (low >= LEAST && !(await bearable(low))) high = low--;
    if (low < LEAST) {
      return {
        scale: null,
        reason: `noise of any scale changes the accuracy by more than ${TARGET}`,
      };
    }
  }
  while (2 ** (high - low) > RATIO) {
    const middle = (low + high) / 2;
    if (await bearable(middle)) low = middle;
    else high = middle;
  }
  return { scale: 2 ** low };
}

/** A scale of noise for each way of drawing it. */
export type Sharpness = Record<
  'sigma' | 'sigma_magnitude',
  Awaited<ReturnType<typeof largestScale>>
> & {
  accuracy: number;
};

/** How far a number may be moved by noise of a scale: its standard deviation. */
const DEVIATION: Record<'sigma' | 'sigma_magnitude', (scale: number, weight: number) => number> = {
  sigma: (scale) => scale,
  sigma_magnitude: (scale, weight) => Math.sqrt((scale * weight) ** 2 + EPSILON ** 2),
};

/**
 * σ: the largest deviation of Gaussian noise, added to every parameter of a network with BatchNorm folded in, at which the mean
 * accuracy of `DRAWS` draws is still within `TARGET` of that without noise (Jiang 2020, equation 53); and σ′, of noise with
 * deviation √(σ′²w² + ε²) for a parameter w (equation 61). The draws are the same at every scale, and follow from the seed.
 *
 * @param accuracyOf Of a state, on always the same images.
 */
export async function sharpness(options: {
  model: Model;
  state: HostState;
  weights: Weights;
  seed: number;
  accuracyOf: (state: HostState) => Promise<number>;
  onProgress?: OnProgress | undefined;
}): Promise<Sharpness> {
  const { model, state, weights, accuracyOf, onProgress } = options;
  const scales = new Set(model.norms.map(({ scale }) => scale));
  const perturbed = model.parameters.filter(({ name }) => !scales.has(name));
  const draws = noise(
    perturbed.map(({ name }) => name),
    weights,
    options.seed,
  );
  const accuracy = await accuracyOf(stateOf(model, state, weights));
  let done = 0;
  const find = (kind: keyof typeof DEVIATION) =>
    largestScale(async (scale) => {
      let sum = 0;
      for (let draw = 0; draw < DRAWS; draw++) {
        const moved: Weights = { ...weights };
        for (const { name } of perturbed) {
          const drawn = draws(name, draw);
          moved[name] = weights[name]!.map(
            (weight, i) => weight + DEVIATION[kind](scale, weight) * drawn[i]!,
          );
        }
        sum += await accuracyOf(stateOf(model, state, moved));
        onProgress?.({ what: 'measuring sharpness', done: ++done, total: 0, unit: 'steps' });
      }
      return Math.abs(sum / DRAWS - accuracy);
    });
  return { accuracy, sigma: await find('sigma'), sigma_magnitude: await find('sigma_magnitude') };
}

/** Standard normal numbers for each parameter and draw: a function of seed, name and draw, kept where there is room. */
function noise(names: readonly string[], weights: Weights, seed: number) {
  const count = names.reduce((sum, name) => sum + weights[name]!.length, 0);
  const keeps = count * DRAWS * Float32Array.BYTES_PER_ELEMENT <= KEPT_BYTES;
  const kept = new Map<string, Float32Array>();
  return (name: string, draw: number): Float32Array => {
    const key = `${draw}/${name}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const random = new Random(seed, `measures/${name}`, draw);
    const drawn = new Float32Array(weights[name]!.length);
    for (let i = 0; i < drawn.length; i++) drawn[i] = random.normal();
    if (keeps) kept.set(key, drawn);
    return drawn;
  };
}
