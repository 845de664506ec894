/** Count of elements of a tensor: 1 for a scalar's shape, which is empty. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
