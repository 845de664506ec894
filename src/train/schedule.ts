/**
 * The learning rate of a step: a staircase in steps, learningRate · decay^floor(step / decayEvery) (Zhang2017, appendix A).
 *
 * @param step Steps already taken, from 0.
 */
export function learningRateAt(
  step: number,
  { learningRate, decay, decayEvery }: { learningRate: number; decay: number; decayEvery: number },
): number {
  return learningRate * decay ** Math.floor(step / decayEvery);
}
