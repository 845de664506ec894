/**
 * The learning rate of a step: a staircase in steps, learningRate · decay^floor(step / decayEvery) (PAPER, section 1).
 *
 * @param step Steps already taken, from 0.
 */
export function learningRateAt(
  step: number,
  { learningRate, decay, decayEvery }: { learningRate: number; decay: number; decayEvery: number },
): number {
  return learningRate * decay ** Math.floor(step / decayEvery);
}
